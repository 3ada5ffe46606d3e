"""`/auth/account`: the end of an account."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response

from app.auth.deletion import delete_account
from app.errors import DeletionBlocked
from app.services import services
from app.web import cookies
from app.web.client import client
from app.web.guards import caller, require_access
from app.web.json_endpoint import json_endpoint
from app.web.step_up import RECENT_SECONDS
from app.web.token_responses import LoggedOut, logged_out

blueprint: Final = Blueprint("data", __name__, url_prefix="/auth")


@blueprint.delete("/account")
@require_access(max_age=RECENT_SECONDS)
@json_endpoint(refuses=(DeletionBlocked,))
def delete_own_account() -> LoggedOut:
    """Delete the caller's account, with all that is kept about them.

    Every session ends and every access token is refused at once. A last message confirms it. The
    address may open an account again, which shares nothing with this one.
    """
    delete_account(services().auth, caller().user_id, caller().sid, client())
    response = logged_out(Response(status=204))
    cookies.clear_device(response)
    return response
