"""Other spellings of a JWS than the one that is read: for tokens and proofs alike."""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Protocol

from tests.support.forger import compact_json, encode

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
SEGMENTS = ("header", "claims", "signature")
EDGES = {
    "space": " ",
    "tab": "\t",
    "newline": "\n",
    "carriage-return": "\r\n",
    "vertical-tab": "\x0b",
    "no-break-space": "\xa0",
    "zero-width-space": "\u200b",
    "byte-order-mark": "\ufeff",
    "nul": "\0",
    "quote": '"',
    "comma": ",",
    "dot": ".",
}
INSIDE = {
    "space": " ",
    "newline": "\n",
    "exclamation-marks": "!!",
    "padding": "=",
    "percent-escape": "%2E",
    "non-ascii-letter": "\u0430",
    "non-ascii-digit": "\u0661",
    "full-width-letter": "\uff21",
    "lone-surrogate": "\ud800",
    "nul": "\0",
}
# Each makes a text of JSON something that is no object in UTF-8 with each name once.
TEXTS: dict[str, Callable[[bytes], bytes]] = {
    "utf-16": lambda raw: raw.decode().encode("utf-16"),
    "utf-16-le": lambda raw: raw.decode().encode("utf-16-le"),
    "utf-16-be": lambda raw: raw.decode().encode("utf-16-be"),
    "utf-32": lambda raw: raw.decode().encode("utf-32"),
    "utf-32-le": lambda raw: raw.decode().encode("utf-32-le"),
    "utf-32-be": lambda raw: raw.decode().encode("utf-32-be"),
    "byte-order-mark": lambda raw: b"\xef\xbb\xbf" + raw,
    "not-utf-8": lambda raw: raw[:-1] + b',"x":"\xff"}',
    "not-utf-8-in-a-name": lambda raw: raw[:-1] + b',"\xff":1}',
    "overlong-utf-8": lambda raw: raw[:-1] + b',"x":"\xc0\xaf"}',
    "overlong-utf-8-in-a-name": lambda raw: raw[:-1] + b',"\xc0\xaf":1}',
    "surrogate-in-utf-8": lambda raw: raw[:-1] + b',"x":"\xed\xa0\x80"}',
    "surrogate-in-a-name": lambda raw: raw[:-1] + b',"\xed\xa0\x80":1}',
    "nul-before": lambda raw: b"\0" + raw,
    "nul-behind": lambda raw: raw + b"\0",
    "newline-in-a-text": lambda raw: raw[:-1] + b',"x":"\n"}',
    "nan": lambda raw: raw[:-1] + b',"x":NaN}',
    "infinity": lambda raw: raw[:-1] + b',"x":Infinity}',
    "minus-infinity": lambda raw: raw[:-1] + b',"x":-Infinity}',
    "truncated": lambda raw: raw[:-1],
    "trailing-comma": lambda raw: raw[:-1] + b",}",
    "comment": lambda raw: raw[:-1] + b"/**/}",
    "comment-behind": lambda raw: raw + b"/**/",
    "single-quotes": lambda raw: raw.replace(b'"', b"'"),
    "twice": lambda raw: raw + raw,
    "empty-object-behind": lambda raw: raw + b"{}",
    "two-empty-names": lambda raw: raw[:-1] + b',"":1,"":1}',
    "in-a-list": lambda raw: b"[" + raw + b"]",
    "as-a-text": lambda raw: json.dumps(raw.decode()).encode(),
    "is-null": lambda _: b"null",
    "is-true": lambda _: b"true",
    "is-a-number": lambda _: b"7",
    "is-a-text": lambda _: b'"text"',
    "is-an-empty-list": lambda _: b"[]",
    "is-a-list": lambda _: b"[{}]",
    "is-a-word": lambda _: b"nothing",
    "is-blank": lambda _: b"   ",
}


class Signer(Protocol):
    """Whoever holds a key, and what a good JWS by it says; what `forge` is not given is good."""

    def header(self) -> dict[str, Any]: ...

    def claims(self) -> dict[str, Any]: ...

    def forge(
        self,
        header: Mapping[str, Any] | bytes | None = None,
        claims: Mapping[str, Any] | bytes | None = None,
    ) -> str: ...

    def sign(self, signed: str) -> str: ...


Build = Callable[[Signer], str]


def edged() -> Iterator[tuple[str, str, Build]]:
    """Yield name, character and build of a good JWS with a character of EDGES around it."""
    for name, char in EDGES.items():
        yield f"leading-{name}", char, partial(_surrounded, char, "")
        yield f"trailing-{name}", char, partial(_surrounded, "", char)


def filled() -> Iterator[tuple[str, str, Build]]:
    """Yield name, text and build of a good JWS with a text of INSIDE in one segment."""
    for at, segment in enumerate(SEGMENTS):
        for name, text in INSIDE.items():
            yield f"{name}-in-{segment}", text, partial(spliced, at, partial(_inserted, text))


def no_objects() -> Iterator[tuple[str, Build]]:
    """Yield name and build of a JWS with each text of TEXTS, as its header or its claims."""
    for name, edit in TEXTS.items():
        yield f"header-{name}", partial(header_bytes, edit)
        yield f"claims-{name}", partial(claims_bytes, edit)


def _surrounded(before: str, behind: str, signer: Signer) -> str:
    return before + signer.forge() + behind


def _inserted(text: str, segment: str) -> str:
    return segment[:5] + text + segment[5:]


def spliced(segment: int, edit: Callable[[str], str], signer: Signer) -> str:
    """Edit one segment of a good JWS, signature left as it was."""
    parts = signer.forge().split(".")
    parts[segment] = edit(parts[segment])
    return ".".join(parts)


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
    """Replace the last character by its successor in the alphabet, the last one by the first."""
    return segment[:-1] + ALPHABET[(ALPHABET.index(segment[-1]) + 1) % len(ALPHABET)]


def standard_alphabet(signer: Signer) -> str:
    """Spell a good JWS with `+` and `/` where base64url has `-` and `_`."""
    ids = ({"jti": f"{number:022}"} for number in range(1000))
    texts = (claims_with(changed, signer) for changed in ids)
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
    head, body, _ = signer.forge().split(".")
    return signer.sign(f"{body}.{head}")


def header_bytes(edit: Callable[[bytes], bytes], signer: Signer) -> str:
    return signer.forge(header=edit(compact_json(signer.header())))


def claims_bytes(edit: Callable[[bytes], bytes], signer: Signer) -> str:
    return signer.forge(claims=edit(compact_json(signer.claims())))


def header_with(changes: Mapping[str, Any], signer: Signer) -> str:
    return signer.forge(header=signer.header() | dict(changes))


def header_without(name: str, signer: Signer) -> str:
    return signer.forge(header={k: v for k, v in signer.header().items() if k != name})


def claims_with(changes: Mapping[str, Any], signer: Signer) -> str:
    return signer.forge(claims=signer.claims() | dict(changes))


def claims_without(name: str, signer: Signer) -> str:
    return signer.forge(claims={k: v for k, v in signer.claims().items() if k != name})


def claim_changed(name: str, change: Callable[[Any], Any], signer: Signer) -> str:
    return claims_with({name: change(signer.claims()[name])}, signer)


def claim_raw(name: str, raw: bytes, signer: Signer) -> str:
    """Give a claim a literal that Python's own JSON writer would not write."""
    marked = compact_json(signer.claims() | {name: "<here>"})
    return signer.forge(claims=marked.replace(b'"<here>"', raw))
