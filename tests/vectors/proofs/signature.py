"""The signature: 64 bytes, by that very key."""

import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA384, SHA512, HashAlgorithm

from app.attacks.prover import Prover, base64url
from tests.support.forger import compact_json
from tests.vectors.proofs.maker import FIELD, ORDER, Case, Maker, decoded
from tests.vectors.spellings import spliced


def retyped(text: str, maker: Maker) -> str:
    header = json.loads(decoded(text.partition(".")[0])) | {"alg": "ES256"}
    return maker.forge(header=header)


@cache
def other_prover() -> Prover:
    return Prover()


def _signed_as(change: Callable[[bytes], bytes], maker: Maker) -> str:
    return maker.forge(sign=lambda signed: change(maker.prover.signature(signed)))


def _der(signature: bytes) -> bytes:
    return encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))


def _with_s(signature: bytes, s: int) -> bytes:
    return signature[:32] + s.to_bytes(32)


def twin(text: str) -> str:
    """Return the other signature of a proof that verifies: s and n - s are worth the same."""
    signed, _, signature = text.rpartition(".")
    raw = decoded(signature)
    return f"{signed}.{base64url(_with_s(raw, ORDER - int.from_bytes(raw[32:])))}"


SIGNATURES: dict[str, Callable[[bytes], bytes]] = {
    "der": _der,
    "63-bytes": lambda raw: raw[:-1],
    "65-bytes": lambda raw: raw + b"\0",
    "65-bytes-zero-first": lambda raw: b"\0" + raw,
    "one-byte": lambda _: b"\0",
    "32-bytes": lambda raw: raw[:32],
    "96-bytes": lambda raw: raw[:32].rjust(48, b"\0") + raw[32:].rjust(48, b"\0"),
    "128-bytes": lambda raw: raw + raw,
    "zeros": lambda _: bytes(64),
    "ones": lambda _: b"\xff" * 64,
    "r-zero": lambda raw: bytes(32) + raw[32:],
    "s-zero": lambda raw: raw[:32] + bytes(32),
    "r-order": lambda raw: ORDER.to_bytes(32) + raw[32:],
    "s-order": lambda raw: _with_s(raw, ORDER),
    "r-above-order": lambda raw: (ORDER + 1).to_bytes(32) + raw[32:],
    "s-above-order": lambda raw: _with_s(raw, ORDER + 1),
    "r-and-s-order": lambda _: ORDER.to_bytes(32) * 2,
    "r-and-s-one": lambda _: (1).to_bytes(32) * 2,
    "r-field": lambda raw: FIELD.to_bytes(32) + raw[32:],
    "r-and-s-swapped": lambda raw: raw[32:] + raw[:32],
    "little-endian": lambda raw: raw[:32][::-1] + raw[32:][::-1],
    "flipped-first-bit": lambda raw: bytes([raw[0] ^ 0x80]) + raw[1:],
    "flipped-last-bit": lambda raw: raw[:-1] + bytes([raw[-1] ^ 1]),
    "r-mirrored": lambda raw: (ORDER - int.from_bytes(raw[:32]) % ORDER).to_bytes(32) + raw[32:],
}


def _borrowed(maker: Maker) -> str:
    other = replace(maker, jti="another-number").forge().rpartition(".")[2]
    return spliced(2, lambda _: other, maker)


def _hashed(digest: HashAlgorithm, maker: Maker) -> str:
    d = int.from_bytes(decoded(maker.prover.private_jwk["d"]))
    key = ec.derive_private_key(d, ec.SECP256R1())

    def sign(signed: str) -> bytes:
        r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(digest)))
        return r.to_bytes(32) + s.to_bytes(32)

    return maker.forge(sign=sign)


def _altered(name: str, value: object, maker: Maker) -> str:
    said = base64url(compact_json(maker.claims() | {name: value}))
    return spliced(1, lambda _: said, replace(maker, method="GET", jti="signed-before"))


def signatures() -> Iterator[Case]:
    for name, change in SIGNATURES.items():
        yield Case(f"signature-{name}", "signature", partial(_signed_as, change))
    yield Case("signature-of-another-proof", "signature", _borrowed)
    yield Case(
        "signature-by-another-key", "signature", lambda m: m.forge(sign=other_prover().signature)
    )
    yield Case("signature-over-sha384", "signature", partial(_hashed, SHA384()))
    yield Case("signature-over-sha512", "signature", partial(_hashed, SHA512()))
    yield Case("signature-by-hmac", "signature", _mac_under_es256)
    yield Case("number-changed-after", "signature", partial(_altered, "jti", "another-number"))
    yield Case("time-changed-after", "signature", partial(_altered, "iat", 1))


def _mac_under_es256(maker: Maker) -> str:
    secret = compact_json(maker.prover.jwk)
    return maker.forge(sign=lambda signed: hmac.digest(secret, signed.encode(), "sha512"))
