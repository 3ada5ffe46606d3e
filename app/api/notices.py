"""`/auth`: what happened to the account."""

from __future__ import annotations

from typing import Final

from flask import Blueprint

from app.auth.history import activity_page
from app.services import services
from app.web.activity_views import PAGE_LENGTH, ActivityQuery, ActivityView, activity_view
from app.web.guards import caller, require_access
from app.web.json_endpoint import json_endpoint

blueprint: Final = Blueprint("notices", __name__, url_prefix="/auth")


@blueprint.get("/activity")
@require_access
@json_endpoint()
def get_activity(query: ActivityQuery) -> ActivityView:
    """List what happened to the caller's account, the newest first.

    Kept for ninety days, at most 500 of them. `older` of an answer is `before` of the next page;
    what happens meanwhile changes no later page.
    """
    limit, before = query.get("limit", PAGE_LENGTH), query.get("before")
    page = activity_page(services().auth, caller().user_id, limit, before)
    return activity_view(page, caller().sid)
