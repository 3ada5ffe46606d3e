"""`/auth/reset` and `/auth/secure`: get an account back with a mailed link."""

from __future__ import annotations

from typing import Final, Literal

from flask import Blueprint, Response

from app.auth.reset import finish_reset, request_reset
from app.auth.secure import secure
from app.errors import (
    Busy,
    EmailTaken,
    InvalidLink,
    MailOff,
    TooManyAttempts,
    Unavailable,
    WeakPassword,
)
from app.services import services
from app.web.client import client
from app.web.guards import public
from app.web.json_endpoint import NoContent, json_endpoint
from app.web.mail_bodies import (
    MAIL_WRITTEN,
    Address,
    MailedToken,
    MailWritten,
    NewPasswordByLink,
)

blueprint: Final = Blueprint("recovery", __name__, url_prefix="/auth")


@blueprint.post("/reset")
@public
@json_endpoint(refuses=(MailOff, TooManyAttempts, Unavailable))
def post_reset(body: Address) -> tuple[MailWritten, Literal[202]]:
    """Ask for a link that sets a new password.

    The answer is the same whether or not the address has an account: nobody learns that here.
    """
    request_reset(services().auth, body["email"], client())
    return MAIL_WRITTEN, 202


@blueprint.post("/reset/finish")
@public
@json_endpoint(refuses=(InvalidLink, WeakPassword, Busy, Unavailable))
def post_reset_finish(body: NewPasswordByLink) -> NoContent:
    """Set a new password with the token of a mailed link.

    Every session of the account ends and every access token of it is refused at once. Nobody is
    logged in.
    """
    finish_reset(services().auth, body["token"], body["password"], client())
    return Response(status=204)


@blueprint.post("/secure")
@public
@json_endpoint(refuses=(InvalidLink, EmailTaken, Unavailable))
def post_secure(body: MailedToken) -> NoContent:
    """Take the account back, with the token of a notice's link "This wasn't me".

    Every session ends, the present password is refused, and a link to choose a new one is
    mailed. An address that was changed after the notice is changed back.
    """
    secure(services().auth, body["token"], client())
    return Response(status=204)
