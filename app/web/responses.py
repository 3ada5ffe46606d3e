"""The bodies of JSON responses; `token_responses` has those with tokens.

The typed dicts are also the schemas of `/openapi.json` and the types that `flask types` prints.
"""

from __future__ import annotations

from typing import Annotated, Final, NotRequired, TypedDict

from msgspec import Meta

from app.families.models import Family
from app.infra.clock import rfc3339
from app.infra.user_agents import describe
from app.web.fields import (
    Code,
    Detail,
    Email,
    Id,
    MaxAge,
    ProblemType,
    RequestId,
    SessionEnd,
    Timestamp,
)


class UserView(TypedDict):
    """A user as the API shows it."""

    id: Id
    email: Email
    created_at: Timestamp


class AccountSession(TypedDict):
    """The session that the access token belongs to; times are RFC 3339."""

    id: Id
    created_at: Timestamp
    expires_at: SessionEnd


class AccountView(UserView):
    """The caller's account and session."""

    session: AccountSession


class SessionView(TypedDict):
    """An active session of the user as the API shows it; times are RFC 3339."""

    id: Id
    current: Annotated[bool, Meta(description="Whether this request belongs to it.")]
    created_at: Timestamp
    last_used_at: Timestamp
    expires_at: SessionEnd
    ip: Annotated[str, Meta(description="The address that last used it.", examples=["192.0.2.7"])]
    user_agent: str
    device: Annotated[str, Meta(examples=["Firefox on Windows"])]
    remembered: Annotated[bool, Meta(description="Whether it outlives the browser.")]


class SessionsView(TypedDict):
    """The user's active sessions, the latest used first."""

    sessions: list[SessionView]


WITH_WEAK_PASSWORD: Final = Meta(min_length=1, description="With `weak_password`: each reason.")


class Reason(TypedDict):
    """One reason why a new password is refused."""

    code: Code
    detail: Detail


class Problem(TypedDict):
    """The body of every JSON refusal (RFC 9457); `code` is stable, `detail` is for people."""

    type: ProblemType
    title: str
    status: int
    detail: Detail
    code: Code
    request_id: RequestId
    reasons: NotRequired[Annotated[list[Reason], WITH_WEAK_PASSWORD]]
    max_age: NotRequired[MaxAge]


def session_view(family: Family, current_sid: str) -> SessionView:
    """Return a family as its owner sees it; `current_sid` is the family of the request."""
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
