"""`POST /auth/reauthenticate`: renew the proof that `@require_access(max_age=…)` asks for."""

from __future__ import annotations

from typing import Final, TypedDict

from flask import Blueprint

from app.auth.reauthenticate import reauthenticate
from app.errors import Busy, TooManyAttempts, WrongPassword
from app.services import services
from app.web.client import client
from app.web.fields import Password
from app.web.guards import caller, require_access
from app.web.json_endpoint import json_endpoint
from app.web.token_responses import AccessTokenIssued, access_token_response

blueprint: Final = Blueprint("reauthentication", __name__, url_prefix="/auth")


class Reauthentication(TypedDict):
    """The proof of who the caller is."""

    password: Password


@blueprint.post("/reauthenticate")
@require_access
@json_endpoint(refuses=(WrongPassword, TooManyAttempts, Busy))
def post_reauthenticate(body: Reauthentication) -> AccessTokenIssued:
    """Prove again who you are.

    The session goes on with its cookie; the new access token says that the password was given now.
    When the response is lost, send the request again.
    """
    pair = reauthenticate(services().auth, caller().sid, body["password"], client())
    return access_token_response(pair)
