"""The bodies of JSON responses, and the responses that carry or end credentials."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from flask import Response, jsonify
from msgspec import Meta

from app.families.issuer import TokenPair
from app.families.models import Family
from app.infra.clock import rfc3339
from app.web import cookies
from app.web.fields import AccessToken, Email, Id, Seconds, SessionEnd, Timestamp
from app.web.headers import clear_site_data
from app.web.json_endpoint import Success
from app.web.user_agents import describe

TokenType = Annotated[
    Literal["Bearer", "DPoP"], Meta(description="`DPoP` when the session is bound to a key.")
]


class TokenSession(TypedDict):
    """The session a token answer belongs to; `expires_at` is its absolute end, RFC 3339."""

    id: Id
    expires_at: SessionEnd


class TokenUser(TypedDict):
    """The user a token answer belongs to."""

    id: Id
    email: Email


class TokenResponse(TypedDict):
    """What log-in, refresh and password change answer; `expires_in` is in seconds."""

    access_token: AccessToken
    token_type: TokenType
    expires_in: Seconds
    session: TokenSession
    user: TokenUser


class UserView(TypedDict):
    """A user as the API shows it."""

    id: Id
    email: Email
    created_at: Timestamp


class RegisteredView(TypedDict):
    """What registering answers."""

    user: UserView


class AccountSession(TypedDict):
    """The session of the request; times are RFC 3339."""

    id: Id
    created_at: Timestamp
    expires_at: SessionEnd


class AccountView(UserView):
    """Who the caller is, and in which session."""

    session: AccountSession


class TheftView(TypedDict):
    """One of the user's sessions that ended in theft: what happened, when, from where."""

    device: str
    created_at: str
    ended_at: str
    ip: str
    reason: str


class SessionView(TypedDict):
    """One of the user's own sessions as the API shows it; times are RFC 3339."""

    id: Id
    current: Annotated[bool, Meta(description="Whether this request belongs to it.")]
    created_at: Timestamp
    last_used_at: Timestamp
    expires_at: SessionEnd
    ip: Annotated[str, Meta(description="Where it was last used.", examples=["192.0.2.7"])]
    user_agent: str
    device: Annotated[str, Meta(examples=["Firefox on Windows"])]
    remembered: Annotated[bool, Meta(description="Whether it outlives the browser.")]


class SessionsView(TypedDict):
    """The user's live sessions, the latest used first."""

    sessions: list[SessionView]


TokensIssued = Annotated[Response, Success(200, TokenResponse, ("Set-Cookie",))]
LoggedOut = Annotated[Response, Success(204, None, ("Set-Cookie", "Clear-Site-Data"))]


def token_response(pair: TokenPair) -> TokensIssued:
    """Answer with the access token in the body and the refresh token in the cookie alone."""
    body: TokenResponse = {
        "access_token": pair.access_token,
        "token_type": "DPoP" if pair.bound else "Bearer",
        "expires_in": pair.expires_in,
        "session": {"id": pair.session_id, "expires_at": rfc3339(pair.session_expires_at)},
        "user": {"id": pair.user_id, "email": pair.email},
    }
    response = jsonify(body)
    cookies.set_credentials(response, pair)
    return response


def logged_out(response: Response) -> LoggedOut:
    """Take the cookie back and have the browser forget what script stored."""
    cookies.clear_refresh(response)
    clear_site_data(response)
    return response


def session_view(family: Family, current_sid: str) -> SessionView:
    """Show one family to its own user."""
    return {
        "id": family.family_id,
        "current": family.family_id == current_sid,
        "created_at": rfc3339(family.created_at),
        "last_used_at": rfc3339(family.last_used_at),
        "expires_at": rfc3339(family.absolute_expires_at),
        "ip": family.ip,
        "user_agent": family.user_agent,
        "device": describe(family.user_agent),
        "remembered": family.remembered,
    }


def theft_view(family: Family) -> TheftView:
    """Show a family that ended in theft to its own user."""
    return {
        "device": describe(family.user_agent),
        "created_at": rfc3339(family.created_at),
        "ended_at": rfc3339(family.revoked_at or 0),
        "ip": family.revoked_ip or "",
        "reason": family.revoked_reason or "",
    }
