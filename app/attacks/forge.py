"""A forger who has read the deployment's secret: what is refused is refused for its content.

Spells tokens by hand, because a good library would refuse to make most of them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any, Final

from app.attacks.prover import base64url
from app.services import ACCESS_KEY
from app.tokens.keys import derive
from config import Settings


class Forge:
    """Makes tokens with the keys of one deployment, or of another that shares its secret."""

    def __init__(self, settings: Settings) -> None:
        """Derive what `settings` derives."""
        self.settings: Final = settings

    def key(self, purpose: str = ACCESS_KEY, env: str = "", issuer: str = "") -> bytes:
        """Return the signing key of a purpose; of another environment or issuer when named."""
        own = self.settings
        return derive(
            own.jwt_secret,
            env=env or own.env,
            issuer=issuer or own.public_url,
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
        """Return `token` with parts of header and claims changed, rightly signed.

        None as a value leaves that part out.
        """
        head, payload = read(token)
        head = {
            name: value for name, value in (head | (header or {})).items() if value is not None
        }
        payload = {
            n: value for n, value in (payload | (claims or {})).items() if value is not None
        }
        return compact(head, payload, self.key() if key is None else key, digest)


def read(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims of a token without verifying anything, as any holder can."""
    head, payload, _ = token.split(".")
    return json.loads(unsegment(head)), json.loads(unsegment(payload))


def compact(header: object, payload: object, key: bytes, digest: str = "sha256") -> str:
    """Spell a token of any content and sign it with HMAC."""
    text = f"{base64url(json.dumps(header).encode())}.{base64url(json.dumps(payload).encode())}"
    return f"{text}.{base64url(hmac.digest(key, text.encode(), getattr(hashlib, digest)))}"


def unsegment(text: str) -> bytes:
    """Return the bytes of a base64url segment."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
