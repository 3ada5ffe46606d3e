"""Weakened variants of how a session begins: its cookie, its key, its predecessor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from flask import Request
from sqlalchemy import Connection
from werkzeug.http import parse_cookie

from app.accounts.models import User
from app.auth.dependencies import Auth
from app.auth.happened import Happened
from app.auth.login import begin_session
from app.auth.password import change_password
from app.dev.lab.weakened.variant import instead_of
from app.families import queries
from app.families.issuer import PresentedCredentials, TokenPair
from app.families.models import Family, RevokedFamily
from app.infra.audit import Client
from app.web.cookies import REFRESH

real_begin_session: Final = begin_session
real_change_password: Final = change_password


@instead_of("app/auth/login.py:replace_former", "session-fixation")
def the_former_session_goes_on(
    connection: Connection, family: Family, former: str | None, now: int
) -> list[RevokedFamily]:
    """A log-in begins a session and does not end the one that the browser had."""
    return []


@instead_of("app/auth/login.py:begin_session", "session-fixation")
def the_browser_keeps_its_session(  # noqa: PLR0913 - what `begin_session` takes
    auth: Auth,
    user: User,
    client: Client,
    presented: PresentedCredentials,
    prepare: Callable[[Connection], list[Happened]],
    *,
    remembered: bool,
) -> TokenPair:
    """A log-in in a browser with a session goes on in that session."""
    brought = auth.issuer.family_id_of(presented.cookie)
    family = auth.database.read(queries.find, brought) if brought else None
    if family:
        return auth.issuer.issue(family, user.email)
    return real_begin_session(auth, user, client, presented, prepare, remembered=remembered)


@instead_of("app/web/cookies.py:read_refresh", "session-fixation")
def the_first_cookie_wins(request: Request) -> str | None:
    """Of two cookies with one name the framework returns the first."""
    return request.cookies.get(REFRESH)


@instead_of("app/auth/password.py:change_password", "planted-key")
def the_browser_keeps_its_key(  # noqa: PLR0913, PLR0917 - what `change_password` takes
    auth: Auth, sid: str, current: str, new: str, client: Client, jkt: str | None = None
) -> TokenPair:
    """A new session in the same browser is bound to the key that the browser has."""
    return real_change_password(auth, sid, current, new, client)


@instead_of("app/web/cookies.py:pairs", "swallowed-cookie")
def the_framework_splits_the_header(header: str) -> list[tuple[str, str]]:
    """The framework's parser reads quotes as part of the syntax, as an older standard says."""
    return list(parse_cookie(header).items(multi=True))
