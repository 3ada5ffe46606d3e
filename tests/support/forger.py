"""A forger who has the signing key itself: what is refused is refused for its content alone."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from app.tokens.keys import KeyRing, key_ring
from config import Settings
from tests.support.client import Client, claims

ACCESS = "access token"
REFRESH = "refresh token"
IDS = {"user": "u" * 22, "family": "f" * 22, "jti": "j" * 22}
OTHER_SECRET = hashlib.sha512(b"another secret").digest()


@dataclass(frozen=True)
class Forger:
    """The real keys of one purpose, and what a good token of it says at `now`."""

    settings: Settings
    purpose: str
    now: int
    user: str = IDS["user"]
    family: str = IDS["family"]
    jti: str = IDS["jti"]

    @property
    def typ(self) -> str:
        return "at+jwt" if self.purpose == ACCESS else "rt+jwt"

    @property
    def life(self) -> int:
        s = self.settings
        return s.access_ttl if self.purpose == ACCESS else s.refresh_idle_ttl

    @property
    def max_lifetime(self) -> int:
        """How long the configuration lets any token of the purpose live."""
        s = self.settings
        longest = max(s.refresh_absolute_ttl, s.remember_absolute_ttl)
        return s.access_ttl if self.purpose == ACCESS else longest

    @property
    def family_claim(self) -> str:
        return "sid" if self.purpose == ACCESS else "family_id"

    @property
    def sibling(self) -> Forger:
        return replace(self, purpose=REFRESH if self.purpose == ACCESS else ACCESS)

    def ring(self, secret: bytes = b"", env: str = "", issuer: str = "") -> KeyRing:
        """Derive the keys as the application does, or those of another deployment."""
        s = self.settings
        return key_ring(
            secret or s.jwt_secret,
            (),
            env=env or s.env,
            issuer=issuer or s.public_url,
            purpose=self.purpose,
        )

    def header(self) -> dict[str, Any]:
        return {"alg": "HS256", "typ": self.typ, "kid": self.ring().signing_kid}

    def claims(self) -> dict[str, Any]:
        issuer = self.settings.public_url
        access = self.purpose == ACCESS
        claims = {
            "iss": issuer,
            "aud": self.settings.audience if access else f"{issuer}/auth/refresh",
            "sub": self.user,
            self.family_claim: self.family,
            "jti": self.jti,
            "iat": self.now,
            "exp": self.now + self.life,
        }
        return claims | {"auth_time": self.now, "amr": ["pwd"]} if access else claims

    def forge(
        self,
        header: Mapping[str, Any] | bytes | None = None,
        claims: Mapping[str, Any] | bytes | None = None,
        key: bytes | None = None,
        digest: str = "sha256",
    ) -> str:
        """Sign whatever is given; what is not given is good."""
        first = encode(compact_json(self.header() if header is None else header))
        second = encode(compact_json(self.claims() if claims is None else claims))
        return self.sign(f"{first}.{second}", key, digest)

    def sign(self, signed: str, key: bytes | None = None, digest: str = "sha256") -> str:
        key = self.ring().signing_key if key is None else key
        mac = hmac.new(key, signed.encode("utf-8", "surrogatepass"), digest).digest()
        return f"{signed}.{encode(mac)}"


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def compact_json(value: Mapping[str, Any] | bytes) -> bytes:
    """Encode JSON without spaces; bytes are taken as they are."""
    if isinstance(value, bytes):
        return value
    return json.dumps(value, separators=(",", ":")).encode()


def signing_key(actor: Client) -> bytes:
    key: bytes = actor.app.extensions["latchkey"].auth.issuer.access._ring.signing_key  # noqa: SLF001 - the forger's loot
    return key


def header(token: str) -> dict[str, Any]:
    head, _, _ = token.partition(".")
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(head + "=="))
    return found


def compact(head: dict[str, Any], payload: dict[str, Any], key: bytes) -> str:
    text = f"{encode(json.dumps(head).encode())}.{encode(json.dumps(payload).encode())}"
    return f"{text}.{encode(hmac.digest(key, text.encode(), hashlib.sha256))}"


def forge(actor: Client, without: str = "", **changed: object) -> str:
    """Return the actor's access token with changed claims, rightly signed."""
    payload = claims(actor.access_token) | changed
    payload.pop(without, None)
    return compact(header(actor.access_token), payload, signing_key(actor))
