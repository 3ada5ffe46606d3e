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
    user, family = services().auth.overview.account(caller().sid)
    view: AccountView = {
        "id": user.id,
        "email": user.email,
        "created_at": rfc3339(user.created_at),
        "session": {
            "id": family.family_id,
            "created_at": rfc3339(family.created_at),
            "expires_at": rfc3339(family.absolute_expires_at),
        },
    }
    return jsonify(view)
