"""`/api`: what a product built on Latchkey would put its own routes beside."""

from __future__ import annotations

from typing import Final

from flask import Blueprint

from app.auth.profile import profile
from app.infra.clock import rfc3339
from app.services import services
from app.web.guards import caller, require_access
from app.web.json_endpoint import json_endpoint
from app.web.responses import AccountView

blueprint: Final = Blueprint("account", __name__, url_prefix="/api")


@blueprint.get("/me")
@require_access
@json_endpoint()
def get_me() -> AccountView:
    """Say who the caller is, and in which session."""
    sid = caller().sid
    found = profile(services().auth, sid)
    return {
        "id": found.user_id,
        "email": found.email,
        "created_at": rfc3339(found.registered_at),
        "session": {
            "id": sid,
            "created_at": rfc3339(found.session_began_at),
            "expires_at": rfc3339(found.session_ends_at),
        },
    }
