"""Weakened ways to keep a session, to end it, and to bind it to a key."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from flask import Request
from sqlalchemy import Connection, and_, update
from werkzeug.http import parse_cookie

from app.accounts import queries as accounts
from app.accounts.models import User
from app.auth.dependencies import Auth
from app.auth.login import begin_session
from app.auth.profile import account
from app.dev.lab.weakened.variant import instead_of
from app.errors import WrongPassword
from app.families import queries
from app.families.denylist import Denylist
from app.families.issuer import PresentedCredentials, TokenPair
from app.families.models import Current, Family, Reason, RevokedFamily, families
from app.families.outcomes import Outcome, Refused, Rotated, Successor
from app.families.rotation import CURRENT, update_named
from app.families.rotation import rotate as real_rotate
from app.infra.audit import Client
from app.infra.database import Database
from app.services import services
from app.tokens.claims import Confirmation, RefreshTokenClaims
from app.tokens.dpop import ExpectedRequest, Proof, ProofRefused, token_hash
from app.tokens.nonces import PROOF_SECONDS, Nonces
from app.web import dpop
from app.web.cookies import REFRESH
from app.web.guards import BEARER, credential
from app.web.guards import _proof_for as real_proof_for

real_begin_session: Final = begin_session
real_denied: Final = Denylist.denied
Row = tuple[Current, str] | None


@instead_of("app/families/models.py:THEFTS", "refresh-token-theft")
def reuse_is_only_refused() -> frozenset[str]:
    """A spent token is refused, and nobody asks how a second party came to have it."""
    return frozenset()


@instead_of("app/families/denylist.py:Denylist.deny", "refresh-token-theft")
def revocation_stays_in_the_database(self: Denylist, ended: Sequence[RevokedFamily]) -> bool:
    """An ended session gets no new tokens; the access token it has is left to expire."""
    return True


@instead_of("app/families/rotation.py:rotate", "long-refresh-without-rotation")
def refreshing_does_not_rotate(
    connection: Connection, claims: RefreshTokenClaims, successor: Successor
) -> Row:
    """A refresh gives a new access token and leaves the refresh token as it is."""
    named = and_(families.c.family_id == claims.family_id, families.c.revoked_at.is_(None))
    used = update(families).where(named).values(last_used_at=successor.now)
    return update_named(connection, used.returning(*CURRENT), claims)


@instead_of("app/families/rotation.py:exchange", "refresh-races")
def looking_comes_before_writing(
    database: Database, claims: RefreshTokenClaims, successor: Successor
) -> Outcome:
    """The row is read, compared, and written a moment later."""
    family = database.read(queries.find, claims.family_id)
    if family is None or family.jti != claims.jti:
        return Refused(Reason.REUSE)
    time.sleep(0.05)  # what else there is to do before the answer
    named = families.c.family_id == claims.family_id
    written = update(families).where(named).values(jti=successor.jti, last_used_at=successor.now)
    rotated = database.write(update_named, written.returning(*CURRENT), claims)
    return Rotated(*rotated) if rotated else Refused(Reason.UNKNOWN)


@instead_of("app/auth/password.py:change_password", "password-change-keeps-sessions")
def only_the_password_changes(  # noqa: PLR0913, PLR0917 - what the real one takes
    auth: Auth, sid: str, current: str, new: str, client: Client, jkt: str | None = None
) -> TokenPair:
    """The new password is stored, and that is all that was asked for."""
    user, family = account(auth, sid)
    with auth.password_login.place(client) as place:
        if not auth.password_login.verify(user.email, user, current, place):
            raise WrongPassword
        hashed = place.run(auth.password_login.passwords.hash, new)
    auth.database.write(accounts.update_if_unchanged, user, password_hash=hashed)
    return auth.issuer.issue(family, user.email)


@instead_of("app/auth/dependencies.py:Auth.deny", "password-change-keeps-sessions")
def access_tokens_live_on(
    self: Auth, revoked: Sequence[RevokedFamily], event: str, client: Client, **fields: str
) -> None:
    """The sessions are revoked; their access tokens are good until they expire."""
    for family in revoked:
        self.audit.record(event, client, sid=family.family_id, **fields)


@instead_of("app/auth/login.py:replace_former", "session-fixation")
def the_former_session_goes_on(
    connection: Connection, family: Family, former: str | None, now: int
) -> list[RevokedFamily]:
    """Logging in begins a session and does not ask which one the browser had."""
    return []


@instead_of("app/auth/login.py:begin_session", "session-fixation")
def the_browser_keeps_its_session(
    auth: Auth, user: User, client: Client, presented: PresentedCredentials, *, remembered: bool
) -> TokenPair:
    """A browser that brings a session goes on in it: logging in only says who it is."""
    brought = auth.issuer.family_of_cookie(presented.cookie)
    family = auth.database.read(queries.find, brought) if brought else None
    if family:
        return auth.issuer.issue(family, user.email)
    return real_begin_session(auth, user, client, presented, remembered=remembered)


@instead_of("app/web/cookies.py:read_refresh", "session-fixation")
def the_first_cookie_wins(request: Request) -> str | None:
    """Of two cookies with one name the framework picks the first."""
    return request.cookies.get(REFRESH)


@instead_of("app/web/bodies.py:thumbprint", "planted-key")
def the_browser_keeps_its_key(body: dict[str, Any], name: str) -> str | None:
    """A new session in the same browser is bound to the key that the browser has."""
    return None


@instead_of("app/web/cookies.py:pairs", "swallowed-cookie")
def the_framework_splits_the_header(header: str) -> list[tuple[str, str]]:
    """The framework's own parser takes quotes for brackets, as an older standard had it."""
    return list(parse_cookie(header).items(multi=True))


@instead_of("app/auth/logout.py:log_out", "replay")
def logging_out_clears_the_cookie(
    auth: Auth, cookie: str | None, sid: str | None, client: Client
) -> None:
    """Logging out takes the cookie from the browser; the server has nothing to do."""


@instead_of("app/api/session.py:_verified_sid", "captured-token-log-out")
def logging_out_takes_any_signed_token() -> str | None:
    """Logging out can do no harm, so a token needs neither its proof nor to be in date."""
    _, token = credential()
    return services().access_tokens.verify_ignoring_times(token).sid if token else None


@instead_of("app/families/denylist.py:Denylist.denied", "replay")
def proofs_are_not_remembered(
    self: Denylist, sid: str, proof: Proof | None = None, *, expires: float
) -> bool:
    """A proof is verified at every use, and no use is written down."""
    return real_denied(self, sid, expires=expires)


@instead_of("app/tokens/dpop.py:_check", "replay")
def a_proof_is_good_for_any_request(claims: dict[str, Any], asked: ExpectedRequest) -> int:
    """A proof proves that the key is there; what it was signed for is not compared."""
    made_at = asked.nonces.made_at(claims.get("nonce"), asked.now)
    if made_at is None:
        raise ProofRefused("nonce")
    return made_at


@instead_of("app/tokens/dpop.py:_check", "replay")
def a_proof_needs_no_nonce(claims: dict[str, Any], asked: ExpectedRequest) -> int:
    """A proof carries its own time, so the server's nonce seems superfluous."""
    if (claims["htm"], claims["htu"]) != (asked.method, asked.url):
        raise ProofRefused("request")
    if claims.get("ath") != asked.ath:
        raise ProofRefused("token")
    return asked.now + PROOF_SECONDS


@instead_of("app/web/guards.py:_proof_for", "sidejacking")
def bearer_is_always_good(scheme: str, token: str, bound: Confirmation | None) -> Proof | None:
    """A bound token is taken without its proof, for clients that cannot make one."""
    return None if scheme == BEARER else real_proof_for(scheme, token, bound)


@instead_of("app/web/guards.py:_proof_for", "sidejacking")
def any_key_will_do(scheme: str, token: str, bound: Confirmation | None) -> Proof | None:
    """The proof is verified with the key that it brings, whose key that may be."""
    text = dpop.header()
    if bound and text:
        return dpop.read(text, token_hash(token))
    return real_proof_for(scheme, token, bound)


@instead_of("app/families/rotation.py:rotate", "sidejacking")
def refreshing_asks_for_no_key(
    connection: Connection, claims: RefreshTokenClaims, successor: Successor
) -> Row:
    """Only access tokens are bound; the refresh token is safe in its cookie."""
    family = queries.find(connection, claims.family_id)
    key = family.jkt if family else None
    return real_rotate(connection, claims, replace(successor, jkt=key))


@instead_of("app/families/denylist.py:Denylist._ask", "denylist-loss")
def an_empty_redis_is_believed(
    self: Denylist, sid: str, proof: Proof | None, expires: float
) -> bool:
    """What is not in Redis was never revoked."""
    return bool(self._redis.exists(self._keys.prefix + sid))


@instead_of("app/tokens/nonces.py:Nonces.is_outdated", "denylist-loss")
def what_redis_never_saw_is_new(self: Nonces, made_at: int, lost_at: int) -> bool:
    """A proof that is not in Redis was never used; what a flush took is not thought of."""
    return False
