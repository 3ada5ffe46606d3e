"""`/auth/email`: change the address of the account, and undo that."""

from __future__ import annotations

from typing import Final, Literal

from flask import Blueprint, Response

from app.auth.email_change import confirm_email_change, request_email_change
from app.auth.secure import undo_email_change
from app.errors import EmailTaken, InvalidLink, MailOff, TooManyAttempts, Unavailable
from app.services import services
from app.web.client import client
from app.web.guards import caller, public, require_access
from app.web.json_endpoint import NoContent, json_endpoint
from app.web.mail_bodies import MAIL_WRITTEN, Address, MailedToken, MailWritten
from app.web.step_up import RECENT_SECONDS

blueprint: Final = Blueprint("change_of_address", __name__, url_prefix="/auth/email")


@blueprint.post("")
@require_access(max_age=RECENT_SECONDS)
@json_endpoint(refuses=(MailOff, EmailTaken, TooManyAttempts))
def post_email(body: Address) -> tuple[MailWritten, Literal[202]]:
    """Ask for another address.

    A link goes to the new address, and a notice to the present one, which stays until the link is
    used. The answer is the same whether or not the new address has an account; only the caller's
    own is refused.
    """
    request_email_change(services().auth, caller().sid, body["email"], client())
    return MAIL_WRITTEN, 202


@blueprint.post("/confirm")
@public
@json_endpoint(refuses=(InvalidLink, EmailTaken, Unavailable))
def post_email_confirm(body: MailedToken) -> NoContent:
    """Change the address, with the token that was mailed to the new one.

    The former address gets a link that undoes it, for seven days. Every session goes on.
    """
    confirm_email_change(services().auth, body["token"], client())
    return Response(status=204)


@blueprint.post("/undo")
@public
@json_endpoint(refuses=(InvalidLink, EmailTaken, Unavailable))
def post_email_undo(body: MailedToken) -> NoContent:
    """Undo a change of the address, with the token that was mailed to the former one.

    Every session ends, the present password is refused, and a link to choose a new one is mailed
    to the former address, which is that of the account again.
    """
    undo_email_change(services().auth, body["token"], client())
    return Response(status=204)
