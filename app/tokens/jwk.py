"""Parse the public key in a DPoP proof's header (RFC 7517); `dpop` calls this."""

from __future__ import annotations

import base64
import hashlib
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
)

from app.tokens.jws import TokenRefused, decode_base64url_strict

COORDINATE_BYTES: Final = 32

# A SHA-256 thumbprint (RFC 7638) in the only canonical base64url spelling of 32 bytes.
THUMBPRINT: Final = "[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]"
_MEMBERS: Final = frozenset({"kty", "crv", "x", "y"})


def parse_public_jwk(jwk: object) -> tuple[EllipticCurvePublicKey, str]:
    """Return the P-256 key that `jwk` describes, and its thumbprint (RFC 7638).

    Raises:
        ValueError: when `jwk` is not a public P-256 key with exactly the members `kty`, `crv`,
            `x` and `y`, or its point is not on the curve. A JWK with `d` is refused: it would
            contain the client's private key.

    """
    if type(jwk) is not dict or jwk.keys() != _MEMBERS:
        raise ValueError("not a public key")
    x, y = jwk["x"], jwk["y"]
    if jwk["kty"] != "EC" or jwk["crv"] != "P-256" or type(x) is not str or type(y) is not str:
        raise ValueError("not a P-256 key")
    numbers = EllipticCurvePublicNumbers(_coordinate(x), _coordinate(y), SECP256R1())
    members = f'{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}'
    return numbers.public_key(), encode_base64url(hashlib.sha256(members.encode()).digest())


def encode_base64url(raw: bytes) -> str:
    """Return `raw` in base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _coordinate(text: str) -> int:
    try:
        raw = decode_base64url_strict(text)
    except TokenRefused as refused:
        raise ValueError(refused.reason) from None
    if len(raw) != COORDINATE_BYTES:
        raise ValueError("not a coordinate of P-256")
    return int.from_bytes(raw)
