"""Other spellings of a JWS than the one that is read: for tokens and proofs alike."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from tests.support.forger import compact_json, encode

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


class Signer(Protocol):
    """Whoever holds a key, and what a good JWS by it says."""

    def header(self) -> dict[str, Any]:
        """Return a good header."""

    def claims(self) -> dict[str, Any]:
        """Return good claims."""

    def forge(
        self,
        header: Mapping[str, Any] | bytes | None = None,
        claims: Mapping[str, Any] | bytes | None = None,
    ) -> str:
        """Sign whatever is given; what is not given is good."""

    def sign(self, signed: str) -> str:
        """Put a signature behind two finished segments."""


def edged(before: str, behind: str, signer: Signer) -> str:
    """Put text around a good JWS."""
    return before + signer.forge() + behind


def spliced(segment: int, edit: Callable[[str], str], signer: Signer) -> str:
    """Edit one segment of a good JWS, signature left as it was."""
    parts = signer.forge().split(".")
    parts[segment] = edit(parts[segment])
    return ".".join(parts)


def inserted(text: str, segment: str) -> str:
    """Put text into a segment."""
    return segment[:5] + text + segment[5:]


def loose_end(segment: int, signer: Signer) -> str:
    """Set the bits of a segment's last character that decode to nothing, and sign that."""
    if segment == 2:
        return spliced(2, bumped, signer)
    parts = [_loose(compact_json(signer.header())), _loose(compact_json(signer.claims()))]
    parts[segment] = bumped(parts[segment])
    return signer.sign(".".join(parts))


def _loose(raw: bytes) -> str:
    """Encode JSON so that its last character has bits to spare."""
    while len(raw) % 3 != 2:
        raw += b" "
    return encode(raw)


def bumped(segment: str) -> str:
    """Replace the last character by its successor in the alphabet."""
    return segment[:-1] + ALPHABET[ALPHABET.index(segment[-1]) + 1]


def standard_alphabet(signer: Signer) -> str:
    """Spell a good JWS with `+` and `/` where base64url has `-` and `_`."""
    ids = ({"jti": f"{number:022}"} for number in range(1000))
    texts = (signer.forge(claims=signer.claims() | changed) for changed in ids)
    text = next(text for text in texts if "-" in text or "_" in text)
    return text.replace("-", "+").replace("_", "/")


def serialised(form: str, signer: Signer) -> str:
    """Spell a good JWS as RFC 7515 section 7.2 JSON."""
    head, body, signature = signer.forge().split(".")
    if form == "flattened":
        return json.dumps({"protected": head, "payload": body, "signature": signature})
    signatures = [{"protected": head, "signature": signature}]
    return json.dumps({"payload": body, "signatures": signatures})


def swapped(signer: Signer) -> str:
    """Exchange header and claims, and sign that."""
    head, body, _ = signer.forge().split(".")
    return signer.sign(f"{body}.{head}")


def header_bytes(edit: Callable[[bytes], bytes], signer: Signer) -> str:
    """Sign an edited text of the header."""
    return signer.forge(header=edit(compact_json(signer.header())))


def claims_bytes(edit: Callable[[bytes], bytes], signer: Signer) -> str:
    """Sign an edited text of the claims."""
    return signer.forge(claims=edit(compact_json(signer.claims())))


def header_with(changes: Mapping[str, Any], signer: Signer) -> str:
    """Sign a header with these members."""
    return signer.forge(header=signer.header() | dict(changes))


def header_without(name: str, signer: Signer) -> str:
    """Sign a header without that member."""
    return signer.forge(header={k: v for k, v in signer.header().items() if k != name})


def claims_with(changes: Mapping[str, Any], signer: Signer) -> str:
    """Sign claims with these members."""
    return signer.forge(claims=signer.claims() | dict(changes))


def claims_without(name: str, signer: Signer) -> str:
    """Sign claims without that member."""
    return signer.forge(claims={k: v for k, v in signer.claims().items() if k != name})
