"""`/auth/register`: open an account, first with the address, then with a mailed link."""

from __future__ import annotations

from typing import Final, Literal

from flask import Blueprint

from app.auth.register import finish_registration, request_registration
from app.errors import Busy, InvalidLink, MailOff, TooManyAttempts, Unavailable, WeakPassword
from app.services import services
from app.web.client import client
from app.web.dpop import presented_credentials
from app.web.guards import public
from app.web.json_endpoint import json_endpoint
from app.web.mail_bodies import MAIL_WRITTEN, Address, MailWritten, NewPasswordByLink
from app.web.token_responses import TokensOfNewAccount, token_response

blueprint: Final = Blueprint("registration", __name__, url_prefix="/auth")


@blueprint.post("/register")
@public
@json_endpoint(refuses=(MailOff, TooManyAttempts, Unavailable))
def post_register(body: Address) -> tuple[MailWritten, Literal[202]]:
    """Ask for a link that opens an account.

    The answer is the same whether or not the address has an account: nobody learns that here.
    """
    request_registration(services().auth, body["email"], client())
    return MAIL_WRITTEN, 202


@blueprint.post("/register/finish")
@public
@json_endpoint(refuses=(MailOff, InvalidLink, WeakPassword, Busy, Unavailable), proof=True)
def post_register_finish(body: NewPasswordByLink) -> TokensOfNewAccount:
    """Open the account with the token of a mailed link, and begin its first session.

    With a proof the session is bound to its key. A session that the cookie names ends.
    """
    pair = finish_registration(
        services().auth, body["token"], body["password"], client(), presented_credentials()
    )
    response = token_response(pair)
    response.status_code = 201
    return response
