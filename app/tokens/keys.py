"""Derive each key from the secret; the secret itself signs nothing. `app.services` calls this.

HKDF (RFC 5869) takes the environment, the issuer and the purpose. A secret that was copied from
staging to production by mistake therefore signs nothing that production accepts, and no token of
one purpose is accepted for another, whatever its claims are (RFC 8725 section 3.12).
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
    """The keys of one purpose. One signs, all verify; a token's `kid` selects exactly one.

    No code tries one key after the other.
    """

    signing_kid: str
    signing_key: bytes = field(repr=False)
    by_kid: Mapping[str, bytes] = field(repr=False)


def derive(
    secret: bytes, *, env: str, issuer: str, purpose: str, length: int = KEY_BYTES
) -> bytes:
    """Return `length` bytes that are unique to this purpose, environment and issuer."""
    # The length before each part keeps ("ab", "c") and ("a", "bc") apart.
    parts = (PRODUCT, env, issuer, purpose)
    info = b"".join(len(part.encode()).to_bytes(2) + part.encode() for part in parts)
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=info).derive(secret)


def key_ring(
    secret: bytes, previous: Iterable[bytes], *, env: str, issuer: str, purpose: str
) -> KeyRing:
    """Derive the keys of one purpose from `secret` and from the `previous` secrets.

    The key of `secret` signs; the keys of the previous secrets only verify, so that tokens from
    before a change of the secret stay valid.
    """
    by_kid: dict[str, bytes] = {}
    for source in (secret, *previous):
        raw = derive(source, env=env, issuer=issuer, purpose=f"{purpose} kid", length=KID_BYTES)
        kid = base64.urlsafe_b64encode(raw).decode()
        by_kid[kid] = derive(source, env=env, issuer=issuer, purpose=purpose)
    signing_kid, signing_key = next(iter(by_kid.items()))
    return KeyRing(signing_kid, signing_key, by_kid)
