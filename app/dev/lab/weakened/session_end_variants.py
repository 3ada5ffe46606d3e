"""Weakened variants of how a session ends, and of what Redis remembers of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from app.accounts import queries as accounts
from app.auth.dependencies import Auth
from app.auth.happened import Happened
from app.auth.profile import account
from app.dev.lab.weakened.variant import instead_of
from app.errors import WrongPassword
from app.families.denylist import Denylist
from app.families.issuer import TokenIssuer, TokenPair
from app.families.models import Current, Family
from app.infra.audit import Client
from app.services import services
from app.tokens.dpop import Proof
from app.tokens.nonces import Nonces
from app.web.guards import credential

real_issue: Final = TokenIssuer.issue


@instead_of("app/auth/password.py:change_password", "password-change-keeps-sessions")
def only_the_password_changes(  # noqa: PLR0913, PLR0917 - what the real one takes
    auth: Auth, sid: str, current: str, new: str, client: Client, jkt: str | None = None
) -> TokenPair:
    """The new password is stored, and the sessions go on."""
    user, family = account(auth, sid)
    with auth.password_login.place(client) as place:
        if not auth.password_login.verify(user.email, user, current, place):
            raise WrongPassword
        hashed = place.run(auth.password_login.passwords.hash, new)
    auth.database.write(accounts.update_if_unchanged, user, password_hash=hashed)
    return auth.issuer.issue(family, user.email)


@instead_of("app/auth/dependencies.py:Auth.deny", "password-change-keeps-sessions")
def access_tokens_live_on(self: Auth, happened: Sequence[Happened]) -> bool:
    """The sessions are revoked, but their access tokens work until they expire."""
    for one in happened:
        one.record(self.audit)
    return False


@instead_of("app/auth/logout.py:log_out", "replay")
def logging_out_clears_the_cookie(
    auth: Auth, cookie: str | None, sid: str | None, client: Client
) -> None:
    """A log-out clears the cookie, and the server revokes nothing."""


@instead_of("app/api/session.py:_verified_sid", "captured-token-log-out")
def logging_out_takes_any_signed_token() -> str | None:
    """A log-out accepts every signed token, without its proof and after its expiry."""
    _, token = credential()
    return services().access_tokens.verify_ignoring_times(token).sid if token else None


@instead_of("app/web/step_up.py:require_recent", "stale-log-in")
def every_log_in_is_recent(max_age: int) -> None:
    """The age of the log-in is not looked at."""


@instead_of("app/auth/reauthenticate.py:reauthenticate", "stale-log-in")
def any_password_will_do(auth: Auth, sid: str, password: str, client: Client) -> TokenPair:
    """The access token says that the password was given now, whatever was given."""
    user, family = account(auth, sid)
    now = auth.clock.now()
    return auth.issuer.issue(replace(family, auth_time=now, last_used_at=now), user.email)


@instead_of("app/families/issuer.py:TokenIssuer.issue", "stale-log-in")
def a_refresh_counts_as_a_log_in(
    self: TokenIssuer, family: Family | Current, email: str, browser_mark: str = ""
) -> TokenPair:
    """The access token says that the password was given when it was issued."""
    proved = replace(family, auth_time=family.last_used_at)
    return real_issue(self, proved, email, browser_mark)


@instead_of("app/families/denylist.py:Denylist._ask_redis", "denylist-loss")
def an_empty_redis_is_believed(
    self: Denylist, sid: str, proof: Proof | None, expires: float
) -> bool:
    """A session that is not in Redis counts as not revoked."""
    return bool(self._redis.exists(self._keys.prefix + sid))


@instead_of("app/tokens/nonces.py:Nonces.is_outdated", "denylist-loss")
def what_redis_never_saw_is_new(self: Nonces, made_at: int, lost_at: int) -> bool:
    """A proof that is not in Redis counts as unused, also after Redis lost its data."""
    return False
