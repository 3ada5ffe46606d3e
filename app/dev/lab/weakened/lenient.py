"""How most programs decode tokens and answer errors; the variants use it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager

import jwt

from app.tokens.jws import TokenRefused


@contextmanager
def refusing() -> Iterator[None]:
    """Refuse a token for every error of its decoding."""
    try:
        yield
    except (jwt.PyJWTError, AttributeError, KeyError, OSError, TypeError, ValueError):
        raise TokenRefused("unreadable") from None


def unsegment(segment: str) -> bytes:
    """Decode base64url and skip characters that do not belong to it, as most libraries do."""
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
