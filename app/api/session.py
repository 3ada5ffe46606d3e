"""`/auth`: log in, refresh, log out, sessions, password."""

from __future__ import annotations

from typing import Final, NotRequired, TypedDict

from flask import Blueprint, Response, request

from app.auth.login import log_in
from app.auth.logout import log_out, log_out_everywhere
from app.auth.password import change_password
from app.auth.refresh import refresh
from app.auth.sessions import active_sessions, end_session
from app.errors import (
    Busy,
    InvalidCredentials,
    InvalidProof,
    InvalidRequest,
    InvalidToken,
    NotFound,
    SessionEnded,
    TooManyAttempts,
    Unavailable,
    WeakPassword,
    WrongPassword,
)
from app.services import services
from app.web import cookies
from app.web.client import client
from app.web.dpop import presented_credentials
from app.web.fields import Id, NewKey, NewPassword, Password, Remember, TypedEmail
from app.web.guards import authenticate, caller, credential, public, require_access
from app.web.json_endpoint import ANY_CREDENTIAL, REFRESH_COOKIE, NoContent, json_endpoint
from app.web.problems import record
from app.web.responses import SessionsView, session_view
from app.web.step_up import RECENT_SECONDS, InsufficientAuthentication, require_recent
from app.web.token_responses import LoggedOut, TokensIssued, logged_out, token_response

blueprint: Final = Blueprint("session", __name__, url_prefix="/auth")


class Credentials(TypedDict):
    """Who logs in."""

    email: TypedEmail
    password: Password
    remember: NotRequired[Remember]


class PasswordChange(TypedDict):
    """The present password and the next one."""

    current_password: Password
    new_password: NewPassword
    dpop_jkt: NotRequired[NewKey]


@blueprint.post("/login")
@public
@json_endpoint(refuses=(InvalidCredentials, TooManyAttempts, Busy, Unavailable), proof=True)
def post_login(body: Credentials) -> TokensIssued:
    """Exchange a password for a session.

    With a proof the session is bound to its key. A session that the cookie names ends.
    """
    remember = body.get("remember", False)
    pair = log_in(
        services().auth,
        body["email"],
        body["password"],
        client(),
        presented_credentials(),
        remember=remember,
    )
    return token_response(pair)


@blueprint.post("/refresh")
@public
@json_endpoint(
    refuses=(InvalidRequest, SessionEnded, TooManyAttempts, Unavailable),
    proof=True,
    security=REFRESH_COOKIE,
)
def post_refresh() -> TokensIssued:
    """Rotate the refresh token.

    Each refresh token works once: reuse ends the session. A bound session needs a proof by its
    key, and then may repeat a refresh whose answer was lost.
    """
    return token_response(refresh(services().auth, presented_credentials(), client()))


@blueprint.post("/logout")
@public
@json_endpoint(refuses=(InvalidRequest, Unavailable), security=ANY_CREDENTIAL)
def post_logout() -> LoggedOut:
    """End the session.

    Ends the session that the cookie names, also when the cookie is out of date, and the one that
    a valid access token names, with its proof when it is bound. A token that a protected route
    would refuse ends nothing; the answer is the same.
    """
    log_out(services().auth, cookies.read_refresh(request), _verified_sid(), client())
    return logged_out(Response(status=204))


def _verified_sid() -> str | None:
    """Return the family of the request's access token; None without one that is accepted.

    A log-out asks of an access token what any protected route asks, its proof included:
    otherwise a captured token, which opens nothing, would still end its owner's session.
    """
    if credential()[1] is None:
        return None
    try:
        authenticate()
    except (InvalidToken, InvalidProof) as refusal:
        record(refusal)
        return None
    return caller().sid


@blueprint.post("/logout-everywhere")
@require_access(max_age=RECENT_SECONDS)
@json_endpoint()
def post_logout_everywhere() -> LoggedOut:
    """End every session of the caller.

    Every access token issued before is refused at once.
    """
    log_out_everywhere(services().auth, caller().user_id, client())
    return logged_out(Response(status=204))


@blueprint.get("/sessions")
@require_access
@json_endpoint()
def get_sessions() -> SessionsView:
    """List the caller's live sessions, the latest used first."""
    families = active_sessions(services().auth, caller().user_id)
    return {"sessions": [session_view(family, caller().sid) for family in families]}


@blueprint.delete("/sessions/<family_id>")
@require_access
@json_endpoint(refuses=(NotFound, InsufficientAuthentication))
def delete_session(family_id: Id) -> NoContent:
    """End one of the caller's sessions.

    Ending the session of the request takes its cookie back, and needs no recent proof of who the
    caller is; ending another does.
    """
    is_current = family_id == caller().sid
    if not is_current:
        require_recent(RECENT_SECONDS)
    end_session(services().auth, caller().user_id, family_id, client())
    response = Response(status=204)
    return logged_out(response) if is_current else response


@blueprint.post("/password")
@require_access
@json_endpoint(refuses=(WrongPassword, WeakPassword, TooManyAttempts, Busy))
def post_password(body: PasswordChange) -> TokensIssued:
    """Change the password.

    Every session of the account ends, here and elsewhere, and a new one begins here. It is bound
    to the key that `dpop_jkt` names, where it names one.
    """
    current, new, jkt = body["current_password"], body["new_password"], body.get("dpop_jkt")
    pair = change_password(services().auth, caller().sid, current, new, client(), jkt)
    return token_response(pair)
