"""`/auth`: register, log in, refresh, log out, sessions, password."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, jsonify, request

from app.accounts.emails import MAX_TYPED
from app.auth.login import log_in
from app.auth.logout import log_out, log_out_everywhere
from app.auth.password import change_password
from app.auth.refresh import refresh
from app.auth.register import register
from app.auth.sessions import active_sessions, end_session
from app.errors import InvalidProof, InvalidToken, NotFound
from app.infra.clock import rfc3339
from app.services import services
from app.web import bodies, cookies
from app.web.client import client
from app.web.dpop import presented_credentials
from app.web.guards import authenticate, caller, credential, public, require_access
from app.web.problems import record
from app.web.responses import (
    RegisteredView,
    SessionsView,
    UserView,
    logged_out,
    session_view,
    token_response,
)

blueprint: Final = Blueprint("session", __name__, url_prefix="/auth")


@blueprint.post("/register")
@public
def post_register() -> tuple[Response, int]:
    """Open an account; it logs nobody in."""
    body = bodies.read_object()
    email = bodies.text(body, "email", MAX_TYPED)
    password = bodies.text(body, "password", None)
    user = register(services().auth, email, password, client())
    view: UserView = {
        "id": user.id,
        "email": user.email,
        "created_at": rfc3339(user.created_at),
    }
    answer: RegisteredView = {"user": view}
    return jsonify(answer), 201


@blueprint.post("/login")
@public
def post_login() -> Response:
    """Exchange a password for a session."""
    body = bodies.read_object()
    email = bodies.text(body, "email", MAX_TYPED)
    password = bodies.text(body, "password", None)
    remember = bodies.flag(body, "remember")
    pair = log_in(
        services().auth, email, password, client(), presented_credentials(), remember=remember
    )
    return token_response(pair)


@blueprint.post("/refresh")
@public
def post_refresh() -> Response:
    """Rotate the refresh token of the cookie; a proof binds its family, or is by its key."""
    return token_response(refresh(services().auth, presented_credentials(), client()))


@blueprint.post("/logout")
@public
def post_logout() -> Response:
    """End what the cookie names, and what a valid access token names; 204 in any case."""
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
@require_access
def post_logout_everywhere() -> Response:
    """End every session of the caller."""
    log_out_everywhere(services().auth, caller().user_id, client())
    return logged_out(Response(status=204))


@blueprint.get("/sessions")
@require_access
def get_sessions() -> Response:
    """List the caller's live sessions."""
    families = active_sessions(services().auth, caller().user_id)
    views: SessionsView = {"sessions": [session_view(one, caller().sid) for one in families]}
    return jsonify(views)


@blueprint.delete("/sessions/<family_id>")
@require_access
def delete_session(family_id: str) -> Response:
    """End one of the caller's sessions."""
    if "\x00" in family_id:  # PostgreSQL takes none in a text
        raise NotFound
    end_session(services().auth, caller().user_id, family_id, client())
    response = Response(status=204)
    return logged_out(response) if family_id == caller().sid else response


@blueprint.post("/password")
@require_access
def post_password() -> Response:
    """Change the password and begin anew; everything issued before is over."""
    body = bodies.read_object()
    current = bodies.text(body, "current_password", None)
    new = bodies.text(body, "new_password", None)
    jkt = bodies.thumbprint(body, "dpop_jkt")
    pair = change_password(services().auth, caller().sid, current, new, client(), jkt)
    return token_response(pair)
