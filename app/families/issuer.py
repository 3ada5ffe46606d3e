"""Issue the token pair of a family; the stories of `app.auth` call this.

Both tokens are computed from the family's row, so a retried refresh gets the same refresh token.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from app.families.models import BY_PASSWORD, Current, Family
from app.infra.audit import Client
from app.tokens.claims import AccessTokenClaims, RefreshTokenClaims
from app.tokens.codec import Codec
from app.tokens.dpop import Proof
from app.tokens.jws import TokenRefused

ID_BYTES: Final = 16


def new_id() -> str:
    """Return a new id for a user, a family or a token: 128 random bits, 22 base64url characters.

    Nobody can guess an id, and no two are ever equal.
    """
    return secrets.token_urlsafe(ID_BYTES)


@dataclass(frozen=True)
class Lifetimes:
    """Lifetimes in seconds: of an access token, and of a family without and with "remember".

    A family ends after `idle` without a refresh, and in any case `absolute` after the log-in.
    """

    access: int
    idle: int
    absolute: int
    remember_idle: int
    remember_absolute: int


@dataclass(frozen=True, slots=True)
class PresentedCredentials:
    """The refresh cookie and the DPoP proof of a request; None for the one that did not come.

    `cookie` is not verified yet. `proof` is verified, but not consumed yet.
    """

    cookie: str | None = field(default=None, repr=False)
    proof: Proof | None = None

    @property
    def jkt(self) -> str | None:
        """The thumbprint of the proof's key; None without a proof."""
        return self.proof.jkt if self.proof else None


@dataclass(frozen=True, slots=True)
class TokenPair:
    """A new access token and refresh token, and what the response says about them.

    `expires_in` is the remaining life of the access token in seconds, and `session_expires_at`
    the family's absolute end in seconds, UTC. `cookie_max_age` is in seconds; None for a cookie
    that the browser drops when it closes. `browser_mark` is the new mark of a known browser; it
    is empty when the browser has a valid one, or when no password was verified.
    `password_breached` says that the password of a log-in is known from a breach.
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
    password_breached: bool = False


@dataclass(frozen=True)
class TokenIssuer:
    """Creates families and issues their token pairs.

    Each of `claim_sources` returns additional claims of the access token for a user id.
    """

    access: Codec[AccessTokenClaims]
    refresh: Codec[RefreshTokenClaims]
    lifetimes: Lifetimes
    claim_sources: Sequence[Callable[[str], Mapping[str, str | int]]] = ()

    def new_family(
        self, user_id: str, client: Client, now: int, *, remembered: bool, jkt: str | None
    ) -> Family:
        """Return a family that begins at `now` (seconds, UTC), when a password was verified.

        The caller stores it. It is bound to the key with the thumbprint `jkt`, or unbound when
        that is None.
        """
        lifetimes = self.lifetimes
        idle = lifetimes.remember_idle if remembered else lifetimes.idle
        absolute = lifetimes.remember_absolute if remembered else lifetimes.absolute
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
            auth_time=now,
            amr=BY_PASSWORD,
        )

    def issue(self, family: Family | Current, email: str, browser_mark: str = "") -> TokenPair:
        """Issue the token pair of the family's present state, for an owner with address `email`.

        No token outlives the family: the refresh token expires at the family's idle end, and the
        access token at its absolute end at the latest (RFC 9700 section 4.14.2).
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

    def family_id_of(self, cookie: str | None) -> str | None:
        """Return the id of the family that a refresh token names, even when it has expired.

        None when the token is missing or not one of this deployment.
        """
        try:
            return self.refresh.verify_ignoring_times(cookie).family_id if cookie else None
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
            auth_time=family.auth_time or family.created_at,
            amr=tuple(family.amr.split()),
            cnf={"jkt": family.jkt} if family.jkt else None,
            **{n: v for source in self.claim_sources for n, v in source(family.user_id).items()},
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
