"""A forger who has read the deployment's secret, so that tokens are refused for their content.

It spells tokens by hand, because a good library refuses to make most of them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any, Final

from app.attacks.prover import base64url
from app.signing import ACCESS_KEY
from app.tokens.keys import derive
from config import Settings


class Forge:
    """Makes tokens with the keys of one deployment, or of another that shares its secret."""

    def __init__(self, settings: Settings) -> None:
        """Take the secret, the environment and the issuer from `settings`."""
        self.settings: Final = settings

    def key(self, purpose: str = ACCESS_KEY, env: str = "", issuer: str = "") -> bytes:
        """Return the signing key of a purpose; of another environment or issuer when named."""
        settings = self.settings
        return derive(
            settings.jwt_secret,
            env=env or settings.env,
            issuer=issuer or settings.public_url,
            purpose=purpose,
        )

    def changed(
        self,
        token: str,
        header: dict[str, Any] | None = None,
        claims: dict[str, Any] | None = None,
        key: bytes | None = None,
        digest: str = "sha256",
    ) -> str:
        """Return `token` with some header parameters and claims changed, and a right signature.

        A value of None removes that parameter or claim. `key` is the access key by default.
        """
        old_header, old_claims = read(token)
        return compact(
            _merged(old_header, header or {}),
            _merged(old_claims, claims or {}),
            self.key() if key is None else key,
            digest,
        )


def read(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims of a token without verifying anything, as any holder can."""
    header, payload, _ = token.split(".")
    return json.loads(decode_segment(header)), json.loads(decode_segment(payload))


def encode_segment(part: object) -> str:
    """Return a header or payload as base64url of its JSON."""
    return base64url(json.dumps(part).encode())


def compact(header: object, payload: object, key: bytes, digest: str = "sha256") -> str:
    """Return a token of any content, signed with HMAC under `key`."""
    text = f"{encode_segment(header)}.{encode_segment(payload)}"
    return f"{text}.{base64url(hmac.digest(key, text.encode(), getattr(hashlib, digest)))}"


def decode_segment(text: str) -> bytes:
    """Return the bytes of a base64url segment."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in (old | new).items() if value is not None}
