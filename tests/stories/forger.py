"""A forger who has the signing key itself: what is refused is refused for its content alone."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

from tests.http.actor import claims

if TYPE_CHECKING:
    from tests.http.actor import Actor


def signing_key(actor: Actor) -> bytes:
    """Return the key that signs access tokens in the actor's app."""
    key: bytes = actor.app.extensions["latchkey"].auth.issuer.access._ring.signing_key  # noqa: SLF001 - the forger's loot
    return key


def header(token: str) -> dict[str, Any]:
    """Read a token's header without verifying anything."""
    head, _, _ = token.partition(".")
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(head + "=="))
    return found


def compact(head: dict[str, Any], payload: dict[str, Any], key: bytes) -> str:
    """Spell a token and sign it with HMAC-SHA256 and `key`."""
    text = f"{segment(json.dumps(head).encode())}.{segment(json.dumps(payload).encode())}"
    return f"{text}.{segment(hmac.digest(key, text.encode(), hashlib.sha256))}"


def segment(raw: bytes) -> str:
    """Spell bytes as base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def forge(actor: Actor, without: str = "", **changed: object) -> str:
    """Return the actor's access token with changed claims, rightly signed."""
    payload = claims(actor.access_token) | changed
    payload.pop(without, None)
    return compact(header(actor.access_token), payload, signing_key(actor))
