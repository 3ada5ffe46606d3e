"""`/auth`: register, log in, refresh, log out, sessions, password."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, jsonify, request

from app.accounts.addresses import MAX_TYPED
from app.clock import rfc3339
from app.errors import InvalidProof, InvalidToken, NotFound
from app.services import services
from app.web import bodies, cookies
from app.web.answers import (
    RegisteredView,
    SessionsView,
    UserView,
    logged_out,
    remember_device,
    session_view,
    token_answer,
)
from app.web.client import client
from app.web.guards import authenticate, caller, credential, public, require_access
from app.web.problems import record
from app.web.proofs import held

blueprint: Final = Blueprint("session", __name__, url_prefix="/auth")


@blueprint.post("/register")
@public
def register() -> tuple[Response, int]:
    """Open an account; it logs nobody in."""
    body = bodies.read_object()
    email = bodies.text(body, "email", MAX_TYPED)
    password = bodies.text(body, "password", None)
    user = services().auth.register(email, password, client())
    view: UserView = {
        "id": user.id,
        "email": user.email,
        "created_at": rfc3339(user.created_at),
    }
    answer: RegisteredView = {"user": view}
    return jsonify(answer), 201


@blueprint.post("/login")
@public
def log_in() -> Response:
    """Exchange a password for a session."""
    body = bodies.read_object()
    email = bodies.text(body, "email", MAX_TYPED)
    password = bodies.text(body, "password", None)
    remember = bodies.flag(body, "remember")
    grant = services().auth.log_in(email, password, client(), held(), remember=remember)
    return remember_device(token_answer(grant), grant)


@blueprint.post("/refresh")
@public
def refresh() -> Response:
    """Rotate the refresh token of the cookie; a proof binds its family, or is by its key."""
    return token_answer(services().auth.refresh(held(), client()))


@blueprint.post("/logout")
@public
def log_out() -> Response:
    """End what the cookie names, and what a valid access token names; 204 in any case."""
    services().auth.log_out(cookies.read_refresh(request), _verified_sid(), client())
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
def log_out_everywhere() -> Response:
    """End every session of the caller."""
    services().auth.log_out_everywhere(caller().user_id, client())
    return logged_out(Response(status=204))


@blueprint.get("/sessions")
@require_access
def sessions() -> Response:
    """List the caller's live sessions."""
    own = services().auth.overview.sessions(caller().user_id)
    views: SessionsView = {"sessions": [session_view(family, caller().sid) for family in own]}
    return jsonify(views)


@blueprint.delete("/sessions/<family_id>")
@require_access
def end_session(family_id: str) -> Response:
    """End one of the caller's sessions."""
    if "\x00" in family_id:  # PostgreSQL takes none in a text
        raise NotFound
    services().auth.end_session(caller().user_id, family_id, client())
    response = Response(status=204)
    return logged_out(response) if family_id == caller().sid else response


@blueprint.post("/password")
@require_access
def change_password() -> Response:
    """Change the password and begin anew; everything issued before is over."""
    body = bodies.read_object()
    current = bodies.text(body, "current_password", None)
    new = bodies.text(body, "new_password", None)
    jkt = bodies.thumbprint(body, "dpop_jkt")
    grant = services().auth.change_password(caller().sid, current, new, client(), jkt)
    return remember_device(token_answer(grant), grant)
