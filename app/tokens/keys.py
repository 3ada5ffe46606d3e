"""Keys: none is the secret itself, each serves one purpose in one environment.

HKDF (RFC 5869) over environment, issuer and purpose means that a secret copied from staging to
production by mistake still signs nothing that production accepts, and that no token of one
purpose passes for another whatever its claims say (RFC 8725 section 3.12).
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

PRODUCT: Final = "latchkey"
KEY_BYTES: Final = 32
KID_BYTES: Final = 9


@dataclass(frozen=True)
class KeyRing:
    """The keys of one purpose: one signs, all verify, each found by its `kid` alone."""

    signing_kid: str
    signing_key: bytes = field(repr=False)
    by_kid: Mapping[str, bytes] = field(repr=False)


def derive(
    secret: bytes, *, env: str, issuer: str, purpose: str, length: int = KEY_BYTES
) -> bytes:
    """Return `length` bytes for one purpose in one environment of one issuer."""
    parts = (PRODUCT, env, issuer, purpose)
    info = b"".join(len(part.encode()).to_bytes(2, "big") + part.encode() for part in parts)
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=info).derive(secret)


def key_ring(
    secret: bytes, previous: Iterable[bytes], *, env: str, issuer: str, purpose: str
) -> KeyRing:
    """Derive the ring of one purpose; former secrets verify only."""
    by_kid: dict[str, bytes] = {}
    for one in (secret, *previous):
        kid = derive(one, env=env, issuer=issuer, purpose=f"{purpose} kid", length=KID_BYTES)
        name = base64.urlsafe_b64encode(kid).decode()
        by_kid[name] = derive(one, env=env, issuer=issuer, purpose=purpose)
    signing_kid, signing_key = next(iter(by_kid.items()))
    return KeyRing(signing_kid, signing_key, by_kid)
