"""The pair of tokens that a log-in or a refresh gives, issued from the family's row."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from app.families.models import Current, Family
from app.infra.audit import Client
from app.tokens.claims import AccessTokenClaims, RefreshTokenClaims
from app.tokens.codec import Codec
from app.tokens.dpop import Proof
from app.tokens.jws import TokenRefused

ID_BYTES: Final = 16


def new_id() -> str:
    """Return 128 random bits as 22 base64url characters: for a user, a family or a `jti`."""
    return secrets.token_urlsafe(ID_BYTES)


def no_claims(_user_id: str) -> Mapping[str, str | int]:
    """Return no further claim for any user."""
    return {}


@dataclass(frozen=True)
class Lifetimes:
    """Seconds that tokens and families live."""

    access: int
    idle: int
    absolute: int
    remember_idle: int
    remember_absolute: int


@dataclass(frozen=True, slots=True)
class PresentedCredentials:
    """What a browser brings besides its request; None for what it lacks.

    `proof` is verified and not used up yet.
    """

    cookie: str | None = field(default=None, repr=False)
    proof: Proof | None = None

    @property
    def jkt(self) -> str | None:
        """The thumbprint of the proof's key."""
        return self.proof.jkt if self.proof else None


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What the web layer hands out. `cookie_max_age` is None for a cookie of the session.

    `browser_mark` is a new mark for the browser, empty when it has a good one or proved nothing.
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int
    cookie_max_age: int | None
    bound: bool
    session_id: str
    session_expires_at: int
    user_id: str
    email: str
    browser_mark: str = field(default="", repr=False)


@dataclass(frozen=True)
class TokenIssuer:
    """Begins families and issues their tokens."""

    access: Codec[AccessTokenClaims]
    refresh: Codec[RefreshTokenClaims]
    lifetimes: Lifetimes
    further_claims: Callable[[str], Mapping[str, str | int]] = no_claims

    def new_family(
        self, user_id: str, client: Client, now: int, *, remembered: bool, jkt: str | None
    ) -> Family:
        """Return a family that begins now, bound to the key `jkt`; nothing is stored yet."""
        life = self.lifetimes
        idle = life.remember_idle if remembered else life.idle
        absolute = life.remember_absolute if remembered else life.absolute
        return Family(
            family_id=new_id(),
            user_id=user_id,
            jti=new_id(),
            previous_jti=None,
            generation=0,
            created_at=now,
            rotated_at=now,
            last_used_at=now,
            idle_expires_at=now + min(idle, absolute),
            absolute_expires_at=now + absolute,
            remembered=remembered,
            ip=client.ip,
            user_agent=client.user_agent,
            revoked_at=None,
            revoked_reason=None,
            jkt=jkt,
            burst_started_at=now,
        )

    def issue(self, family: Family | Current, email: str, browser_mark: str = "") -> TokenPair:
        """Issue the family's current pair of tokens.

        Neither outlives the family: the refresh token ends when it would have been idle too
        long, the access token at the latest with the family (RFC 9700 section 4.14.2).
        """
        now = family.last_used_at
        access_exp = min(now + self.lifetimes.access, family.absolute_expires_at)
        return TokenPair(
            access_token=self.access.sign(self._access_claims(family, access_exp)),
            refresh_token=self.refresh.sign(self._refresh_claims(family)),
            expires_in=access_exp - now,
            cookie_max_age=family.idle_expires_at - now if family.remembered else None,
            bound=family.jkt is not None,
            session_id=family.family_id,
            session_expires_at=family.absolute_expires_at,
            user_id=family.user_id,
            email=email,
            browser_mark=browser_mark,
        )

    def family_of_cookie(self, cookie: str | None) -> str | None:
        """Return the family that a refresh token names, also when it is out of date."""
        try:
            return self.refresh.verify_ignoring_times(cookie or "").family_id
        except TokenRefused:
            return None

    def _access_claims(self, family: Family | Current, expires: int) -> AccessTokenClaims:
        return self.access.claims_type(
            iss=self.access.rules.issuer,
            aud=self.access.rules.audience,
            sub=family.user_id,
            sid=family.family_id,
            jti=new_id(),
            iat=family.last_used_at,
            exp=expires,
            auth_time=family.created_at,
            cnf={"jkt": family.jkt} if family.jkt else None,
            **self.further_claims(family.user_id),
        )

    def _refresh_claims(self, family: Family | Current) -> RefreshTokenClaims:
        return RefreshTokenClaims(
            iss=self.refresh.rules.issuer,
            aud=self.refresh.rules.audience,
            sub=family.user_id,
            family_id=family.family_id,
            jti=family.jti,
            iat=family.rotated_at,
            exp=family.idle_expires_at,
        )
