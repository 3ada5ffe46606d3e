"""`/auth`: what happened to the account, and the notices of theft."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response

from app.auth.history import activity_page
from app.auth.thefts import dismiss_theft, recent_thefts
from app.errors import NotFound
from app.services import services
from app.web.activity_views import (
    PAGE_LENGTH,
    ActivityQuery,
    ActivityView,
    TheftsView,
    activity_view,
    theft_view,
)
from app.web.client import client
from app.web.fields import Id
from app.web.guards import caller, require_access
from app.web.json_endpoint import NoContent, json_endpoint

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


@blueprint.get("/thefts")
@require_access
@json_endpoint()
def get_thefts() -> TheftsView:
    """List the caller's sessions that were ended because of theft, the latest first.

    For thirty days, until they are dismissed or the password changes; at most twenty.
    """
    return {
        "thefts": [theft_view(one) for one in recent_thefts(services().auth, caller().user_id)]
    }


@blueprint.delete("/thefts/<family_id>")
@require_access
@json_endpoint(refuses=(NotFound,))
def delete_theft(family_id: Id) -> NoContent:
    """Dismiss the notice of a theft.

    It is no longer listed; the activity keeps the theft, and who dismissed the notice.
    """
    dismiss_theft(services().auth, caller().user_id, family_id, client())
    return Response(status=204)
