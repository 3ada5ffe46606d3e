"""The responses that issue tokens, and those that delete the refresh cookie."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

from flask import Response, jsonify
from msgspec import Meta

from app.families.issuer import TokenPair
from app.infra.clock import rfc3339
from app.web import cookies
from app.web.fields import AccessToken, Email, Id, PasswordBreached, Seconds, SessionEnd
from app.web.headers import clear_site_data
from app.web.json_endpoint import Success

TokenType = Annotated[
    Literal["Bearer", "DPoP"], Meta(description="`DPoP` when the session is bound to a key.")
]


class TokenSession(TypedDict):
    """The session that the tokens belong to; `expires_at` is its absolute end, RFC 3339."""

    id: Id
    expires_at: SessionEnd


class TokenUser(TypedDict):
    """The user that the tokens belong to."""

    id: Id
    email: Email


class TokenResponse(TypedDict):
    """A new access token and its session; `expires_in` is in seconds."""

    access_token: AccessToken
    token_type: TokenType
    expires_in: Seconds
    session: TokenSession
    user: TokenUser
    password_breached: NotRequired[PasswordBreached]


TokensIssued = Annotated[Response, Success(200, TokenResponse, ("Set-Cookie",))]
TokensOfNewAccount = Annotated[Response, Success(201, TokenResponse, ("Set-Cookie",))]
AccessTokenIssued = Annotated[Response, Success(200, TokenResponse)]
LoggedOut = Annotated[Response, Success(204, None, ("Set-Cookie", "Clear-Site-Data"))]


def token_response(pair: TokenPair) -> TokensIssued:
    """Return the response with the access token in the body and the refresh token in the cookie.

    The refresh token is never in a body, where script could read it.
    """
    response = access_token_response(pair)
    cookies.set_credentials(response, pair)
    return response


def access_token_response(pair: TokenPair) -> AccessTokenIssued:
    """Return the response with the access token alone; the browser keeps the cookie that it has.

    For a pair that was issued without a rotation. Its refresh token may be spent when the response
    arrives, because a refresh was faster: as a cookie it would replace the successor, and the next
    refresh would look like reuse.
    """
    body: TokenResponse = {
        "access_token": pair.access_token,
        "token_type": "DPoP" if pair.bound else "Bearer",
        "expires_in": pair.expires_in,
        "session": {"id": pair.session_id, "expires_at": rfc3339(pair.session_expires_at)},
        "user": {"id": pair.user_id, "email": pair.email},
    }
    if pair.password_breached:
        body["password_breached"] = True
    return jsonify(body)


def logged_out(response: Response) -> LoggedOut:
    """Delete the refresh cookie, and what script has stored in the browser."""
    cookies.clear_refresh(response)
    clear_site_data(response)
    return response
