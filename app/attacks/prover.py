"""The key of a client, and the DPoP proofs that it signs (RFC 9449)."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256


class Prover:
    """One P-256 key, and the last nonce that the server sent."""

    def __init__(self) -> None:
        self._key = generate_private_key(SECP256R1())
        numbers = self._key.public_key().public_numbers()
        x, y = (base64url(n.to_bytes(32, "big")) for n in (numbers.x, numbers.y))
        self.jwk: dict[str, Any] = {"kty": "EC", "crv": "P-256", "x": x, "y": y}
        self.nonce = ""

    @property
    def thumbprint(self) -> str:
        """The RFC 7638 thumbprint of the public key."""
        members = json.dumps(self.jwk, sort_keys=True, separators=(",", ":"))
        return base64url(hashlib.sha256(members.encode()).digest())

    @property
    def private_jwk(self) -> dict[str, Any]:
        """The key with its private member, which no proof may carry."""
        d = self._key.private_numbers().private_value
        return self.jwk | {"d": base64url(d.to_bytes(32, "big"))}

    def header(self) -> dict[str, Any]:
        """Return the header of a correct proof."""
        return {"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk}

    def proof(self, method: str, url: str, access_token: str | None = None, **claims: Any) -> str:  # noqa: ANN401 - any claim can be made wrong
        """Return a proof; `claims` replace those of a correct one, and None removes a claim."""
        correct: dict[str, Any] = {
            "jti": secrets.token_urlsafe(16),
            "htm": method,
            "htu": url,
            "iat": int(time.time()),
            "nonce": self.nonce,
        }
        if access_token is not None:
            correct["ath"] = token_hash(access_token)
        kept = {name: value for name, value in (correct | claims).items() if value is not None}
        return self.sign(self.header(), kept)

    def sign(self, header: object, claims: object) -> str:
        """Return a compact JWS over any header and claims, signed with ES256."""
        return self.sign_raw(json.dumps(header).encode(), json.dumps(claims).encode())

    def sign_raw(self, header: bytes, claims: bytes) -> str:
        """Return a compact JWS over any bytes."""
        return self.sign_text(f"{base64url(header)}.{base64url(claims)}")

    def sign_text(self, signed: str) -> str:
        """Return a compact JWS over two segments that are encoded already."""
        return f"{signed}.{base64url(self.signature(signed))}"

    def signature(self, signed: str) -> bytes:
        """Return the 64 bytes of an ES256 signature (RFC 7518 section 3.4)."""
        r, s = decode_dss_signature(self._key.sign(signed.encode(), ECDSA(SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def token_hash(access_token: str) -> str:
    """Return the `ath` of an access token."""
    return base64url(hashlib.sha256(access_token.encode()).digest())


def base64url(raw: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
