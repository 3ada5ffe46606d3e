"""The bodies of responses about what happened to an account, and the query that pages them.

The notices of theft are among them.
"""

from __future__ import annotations

from typing import Annotated, Final, NotRequired, TypedDict

from msgspec import Meta

from app.accounts.activity import Activity, Event
from app.auth.history import ActivityPage
from app.families.models import Family
from app.infra.clock import rfc3339
from app.infra.user_agents import describe
from app.web.fields import Id, Timestamp

PAGE_LENGTH: Final = 20
MAX_PAGE_LENGTH: Final = 100

Cursor = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{1,15}\.[A-Za-z0-9_-]{22}\Z",
        description="The `older` of the page before. Its form may change.",
        examples=["1795422420.Zk3Qy0vXbT9cLr5sW8hNfA"],
    ),
]
Limit = Annotated[
    int,
    Meta(ge=1, le=MAX_PAGE_LENGTH, description=f"How many to list. {PAGE_LENGTH} when missing."),
]
EventName = Annotated[
    str,
    Meta(
        description="The word for it in the audit record; `refresh_refused` is theft.",
        examples=[Event.LOGGED_IN.value],
        extra_json_schema={"enum": [event.value for event in Event]},
    ),
]


class ActivityQuery(TypedDict):
    """Which page of the activity to list."""

    before: NotRequired[Cursor]
    limit: NotRequired[Limit]


class ActivityItem(TypedDict):
    """Something that happened to the account; texts are empty where they do not apply."""

    id: Id
    at: Timestamp
    event: EventName
    reason: Annotated[
        str, Meta(description="Of a theft: `reuse`, `no_proof` or `foreign_key`.", examples=[""])
    ]
    session_id: Annotated[Id | None, Meta(description="The session that it is about.")]
    current: Annotated[bool, Meta(description="Whether this request belongs to that session.")]
    ip: Annotated[str, Meta(description="The address that caused it.", examples=["192.0.2.7"])]
    user_agent: str
    device: Annotated[str, Meta(examples=["Firefox on Windows"])]
    ended_device: Annotated[
        str, Meta(description="The device of the session that ended.", examples=[""])
    ]
    count: Annotated[
        int,
        Meta(
            ge=0,
            description="How many sessions ended. Of a refusal: how often within an hour, from "
            "`at` on; address and device are those of the last.",
        ),
    ]


class ActivityView(TypedDict):
    """What happened to the account, the newest first."""

    activity: list[ActivityItem]
    older: Annotated[
        Cursor | None, Meta(description="The `before` of the next page; null on the last one.")
    ]


class TheftView(TypedDict):
    """A session of the user that was ended because of theft; times are RFC 3339."""

    id: Id
    device: Annotated[str, Meta(examples=["Firefox on Windows"])]
    created_at: Timestamp
    ended_at: Timestamp
    ip: Annotated[str, Meta(description="The address that caused it.", examples=["192.0.2.7"])]
    reason: Annotated[
        str,
        Meta(
            description="`reuse` of a spent cookie; `no_proof` or `foreign_key` with a cookie "
            "without its key.",
            examples=["reuse"],
        ),
    ]


class TheftsView(TypedDict):
    """The notices of theft, the latest first."""

    thefts: list[TheftView]


def theft_view(family: Family) -> TheftView:
    """Return a family that was revoked for theft, as its owner sees it."""
    return {
        "id": family.family_id,
        "device": describe(family.user_agent),
        "created_at": rfc3339(family.created_at),
        "ended_at": rfc3339(family.revoked_at or 0),
        "ip": family.revoked_ip or "",
        "reason": family.revoked_reason or "",
    }


def activity_view(page: ActivityPage, current_sid: str) -> ActivityView:
    """Return a page as its owner sees it; `current_sid` is the family of the request."""
    return {"activity": [_item(row, current_sid) for row in page.rows], "older": page.older}


def _item(row: Activity, current_sid: str) -> ActivityItem:
    return {
        "id": row.id,
        "at": rfc3339(row.at),
        "event": row.event,
        "reason": row.reason,
        "session_id": row.sid or None,
        "current": row.sid == current_sid,
        "ip": row.ip,
        "user_agent": row.user_agent,
        # An operator's command has neither.
        "device": describe(row.user_agent) if row.ip or row.user_agent else "",
        "ended_device": describe(row.session_user_agent) if row.session_user_agent else "",
        "count": row.count,
    }
