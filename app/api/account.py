"""`/api`: what a product built on Latchkey would put its own routes beside."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, jsonify

from app.clock import rfc3339
from app.services import services
from app.web.answers import AccountView
from app.web.guards import caller, require_access

blueprint: Final = Blueprint("account", __name__, url_prefix="/api")


@blueprint.get("/me")
@require_access
def me() -> Response:
    """Say who the caller is, and in which session."""
    sid = caller().sid
    profile = services().auth.overview.profile(sid)
    view: AccountView = {
        "id": profile.user_id,
        "email": profile.email,
        "created_at": rfc3339(profile.registered_at),
        "session": {
            "id": sid,
            "created_at": rfc3339(profile.session_began_at),
            "expires_at": rfc3339(profile.session_ends_at),
        },
    }
    return jsonify(view)
