"""Derive the keys of a deployment from its settings, and build what signs its tokens.

`services` calls this. Each purpose has a key of its own, so that nothing that is signed for one
purpose is accepted for another.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from app.families.issuer import Lifetimes, TokenIssuer
from app.feature import Feature
from app.tokens.claims import AccessTokenClaims, RefreshTokenClaims, with_claims
from app.tokens.codec import Codec, Rules
from app.tokens.keys import KeyRing, derive, key_ring
from config import Settings

ACCESS_KEY: Final = "access token"
REFRESH_KEY: Final = "refresh token"
LINK_KEY: Final = "mailed link"


def token_issuer(settings: Settings, features: Sequence[Feature]) -> TokenIssuer:
    """Return what issues token pairs with the lifetimes and keys of a deployment."""
    lifetimes = Lifetimes(
        access=settings.access_ttl,
        idle=settings.refresh_idle_ttl,
        absolute=settings.refresh_absolute_ttl,
        remember_idle=settings.remember_idle_ttl,
        remember_absolute=settings.remember_absolute_ttl,
    )
    issuer, leeway = settings.public_url, settings.clock_leeway
    max_refresh = max(lifetimes.absolute, lifetimes.remember_absolute)
    access = Rules("at+jwt", issuer, settings.audience, lifetimes.access, leeway)
    refresh = Rules("rt+jwt", issuer, f"{issuer}/auth/refresh", max_refresh, leeway)
    return TokenIssuer(
        access=Codec(access, ring(settings, ACCESS_KEY), _access_claims(features)),
        refresh=Codec(refresh, ring(settings, REFRESH_KEY), RefreshTokenClaims),
        lifetimes=lifetimes,
        claim_sources=tuple(f.values_for for f in features if f.claims_of),
    )


def _access_claims(features: Sequence[Feature]) -> type[AccessTokenClaims]:
    return with_claims({name: type_ for f in features for name, type_ in f.claims.items()})


def ring(settings: Settings, purpose: str) -> KeyRing:
    """Return the keys of one purpose, those of former secrets included."""
    return key_ring(
        settings.jwt_secret,
        settings.jwt_secret_previous,
        env=settings.env,
        issuer=settings.public_url,
        purpose=purpose,
    )


def purpose_key(settings: Settings, purpose: str) -> bytes:
    """Return the key of one purpose, which a change of the secret changes at once."""
    return derive(
        settings.jwt_secret, env=settings.env, issuer=settings.public_url, purpose=purpose
    )
