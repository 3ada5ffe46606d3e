"""The signature: our key, and no other."""

import base64
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.forger import OTHER_SECRET, Forger, compact_json, encode
from tests.vectors.other_keys import SIGNERS, rsa_key
from tests.vectors.spellings import spliced, swapped
from tests.vectors.tokens.case import Case


def _asymmetric(alg: str, forger: Forger) -> str:
    head = encode(compact_json(forger.header() | {"alg": alg}))
    signed = f"{head}.{encode(compact_json(forger.claims()))}"
    return f"{signed}.{encode(SIGNERS[alg](signed.encode()))}"


def _public_key(form: Encoding) -> bytes:
    """Return a public key as bytes: what algorithm confusion uses as an HMAC secret."""
    return rsa_key().public_key().public_bytes(form, PublicFormat.SubjectPublicKeyInfo)


def _embedded_key(forger: Forger) -> str:
    """Bring the key along: CVE-2018-0114."""
    jwk = {"kty": "oct", "k": encode(OTHER_SECRET)}
    return forger.forge(header=forger.header() | {"jwk": jwk}, key=OTHER_SECRET)


def _flipped(segment: int, forger: Forger) -> str:
    """Flip one bit of what a segment decodes to, and keep it canonical JSON where it is JSON."""
    parts = forger.forge().split(".")
    raw = bytearray(base64.urlsafe_b64decode(parts[segment] + "=="))
    value = {0: forger.ring().signing_kid, 1: forger.jti}.get(segment, "")
    at = raw.index(value.encode()) if value else 0
    while value and not chr(raw[at] ^ 0b1).isalnum():
        at += 1
    raw[at] ^= 0b1
    parts[segment] = encode(bytes(raw))
    return ".".join(parts)


def _keys() -> Iterator[tuple[str, Callable[[Forger], bytes]]]:
    yield "empty", lambda _: b""
    yield "one-nul", lambda _: b"\0"
    yield "the-secret-itself", lambda f: f.settings.jwt_secret
    yield "the-secret-as-text", lambda f: encode(f.settings.jwt_secret).encode()
    yield "the-form-key", lambda f: f.settings.secret_key.encode()
    yield "another-secret", lambda _: OTHER_SECRET
    yield "derived-from-another-secret", lambda f: f.ring(OTHER_SECRET).signing_key
    yield "of-staging", lambda f: f.ring(env="staging").signing_key
    yield "of-another-issuer", lambda f: f.ring(issuer="https://other.example").signing_key
    yield "of-the-other-purpose", lambda f: f.sibling.ring().signing_key
    yield "the-kid", lambda f: f.ring().signing_kid.encode()
    yield "public-key-pem", lambda _: _public_key(Encoding.PEM)
    yield "public-key-der", lambda _: _public_key(Encoding.DER)
    yield "a-common-word", lambda _: b"secret"


def _signed_with(key: Callable[[Forger], bytes], forger: Forger) -> str:
    return forger.forge(key=key(forger))


def signatures() -> Iterator[Case]:
    yield Case("alg-hs384-right-key", "algorithm", partial(_hmac, "HS384", "sha384"))
    yield Case("alg-hs512-right-key", "algorithm", partial(_hmac, "HS512", "sha512"))
    for alg in SIGNERS:
        yield Case(f"alg-{alg.lower()}", "algorithm", partial(_asymmetric, alg))
    yield Case("alg-none-unsigned", "not_compact", _unsigned)
    yield Case("embedded-jwk", "header", _embedded_key)
    yield Case("sha512-under-hs256", "signature", lambda f: f.forge(digest="sha512"))
    for name, key in _keys():
        yield Case(f"key-{name}", "signature", partial(_signed_with, key))
    yield Case("bit-flipped-in-header", "unknown_key", partial(_flipped, 0))
    yield Case("bit-flipped-in-claims", "signature", partial(_flipped, 1))
    yield Case("bit-flipped-in-signature", "signature", partial(_flipped, 2))
    yield Case("signature-truncated", "signature", partial(spliced, 2, lambda s: s[:40]))
    yield Case("signature-of-one-byte", "signature", partial(spliced, 2, lambda _: "AA"))
    yield Case("signature-twice", "signature", partial(spliced, 2, lambda s: s[:40] + s[:40]))
    yield Case("signature-of-zeros", "signature", partial(spliced, 2, lambda s: "A" * len(s)))
    yield Case("signature-of-another-token", "signature", _borrowed_signature)
    yield Case("segments-swapped", "header", swapped)


def _hmac(alg: str, digest: str, forger: Forger) -> str:
    return forger.forge(header=forger.header() | {"alg": alg}, digest=digest)


def _unsigned(forger: Forger) -> str:
    head = encode(compact_json({"alg": "none", "typ": forger.typ}))
    return f"{head}.{encode(compact_json(forger.claims()))}."


def _borrowed_signature(forger: Forger) -> str:
    other = replace(forger, jti="o" * 22).forge().rpartition(".")[2]
    return spliced(2, lambda _: other, forger)
