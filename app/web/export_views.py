"""What the file of a person's data says of each row; `app.auth.export` writes it.

No token, hash, key or id of a token is in it: whoever finds the file can do nothing with it.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, TypedDict

from msgspec import Meta

from app.accounts.activity import Activity
from app.accounts.models import User
from app.auth.export import Views
from app.families.models import Family
from app.infra.clock import rfc3339
from app.infra.user_agents import describe
from app.mail.models import Mail
from app.web.fields import Email, Id, Timestamp
from app.web.responses import UserView

Time = Annotated[Timestamp | None, Meta(description="Null when it has not happened.")]
Count = Annotated[int, Meta(ge=0)]


class ExportedAccount(UserView):
    """The account."""

    password_changed_at: Timestamp
    email_changed_at: Annotated[Timestamp | None, Meta(description="Null for the first address.")]


class ExportedSession(TypedDict):
    """A session that is active, or ended lately, or was ended because of theft."""

    id: Id
    created_at: Timestamp
    authenticated_at: Annotated[Timestamp, Meta(description="When the password was last given.")]
    authenticated_by: Annotated[str, Meta(description="RFC 8176.", examples=["pwd"])]
    last_used_at: Timestamp
    refreshed_at: Timestamp
    refreshes: Count
    repeated_refreshes: Count
    idle_until: Timestamp
    expires_at: Timestamp
    remembered: bool
    bound: Annotated[bool, Meta(description="Whether it needs the key of its browser.")]
    ip: str
    user_agent: str
    device: str
    ended_at: Time
    ended_because: str | None
    ended_from: Annotated[str | None, Meta(description="The address that caused it.")]
    notice_dismissed_at: Time


class ExportedActivity(TypedDict):
    """Something that happened to the account, as `GET /auth/activity` lists it."""

    id: Id
    at: Timestamp
    event: str
    reason: str
    session_id: Id | None
    ip: str
    user_agent: str
    device: str
    ended_user_agent: str
    count: Count


class ExportedMessage(TypedDict):
    """A message about the account, or to its address; its text and its link are not kept."""

    kind: str
    address: Email
    created_at: Timestamp
    ip: Annotated[str, Meta(description="The address that caused it.")]
    user_agent: str
    device: str
    tries: Count
    next_try_at: Time
    sent_at: Time
    given_up_at: Time
    failure: str
    link_used_at: Time


class Export(TypedDict):
    """All that is kept about the caller; `features` has what each feature of the product keeps."""

    exported_at: Timestamp
    account: ExportedAccount
    sessions: list[ExportedSession]
    activity: list[ExportedActivity]
    messages: list[ExportedMessage]
    features: dict[str, Any]


def _account(user: User) -> ExportedAccount:
    return {
        "id": user.id,
        "email": user.email,
        "created_at": rfc3339(user.created_at),
        "password_changed_at": rfc3339(user.password_changed_at),
        "email_changed_at": _time(user.email_changed_at or None),
    }


def _session(family: Family) -> ExportedSession:
    return {
        "id": family.family_id,
        "created_at": rfc3339(family.created_at),
        "authenticated_at": rfc3339(family.auth_time or family.created_at),
        "authenticated_by": family.amr,
        "last_used_at": rfc3339(family.last_used_at),
        "refreshed_at": rfc3339(family.rotated_at),
        "refreshes": family.generation,
        "repeated_refreshes": family.retries,
        "idle_until": rfc3339(family.idle_expires_at),
        "expires_at": rfc3339(family.absolute_expires_at),
        "remembered": family.remembered,
        "bound": family.jkt is not None,
        "ip": family.ip,
        "user_agent": family.user_agent,
        "device": describe(family.user_agent),
        "ended_at": _time(family.revoked_at),
        "ended_because": family.revoked_reason,
        "ended_from": family.revoked_ip,
        "notice_dismissed_at": _time(family.dismissed_at),
    }


def _activity(row: Activity) -> ExportedActivity:
    return {
        "id": row.id,
        "at": rfc3339(row.at),
        "event": row.event,
        "reason": row.reason,
        "session_id": row.sid or None,
        "ip": row.ip,
        "user_agent": row.user_agent,
        "device": describe(row.user_agent) if row.user_agent else "",
        "ended_user_agent": row.session_user_agent,
        "count": row.count,
    }


def _message(mail: Mail) -> ExportedMessage:
    return {
        "kind": mail.kind,
        "address": mail.address,
        "created_at": rfc3339(mail.created_at),
        "ip": mail.ip,
        "user_agent": mail.user_agent,
        "device": describe(mail.user_agent) if mail.user_agent else "",
        "tries": mail.tries,
        "next_try_at": _time(mail.next_try_at),
        "sent_at": _time(mail.sent_at),
        "given_up_at": _time(mail.failed_at),
        "failure": mail.failure,
        "link_used_at": _time(mail.spent_at),
    }


def _time(seconds: int | None) -> str | None:
    return None if seconds is None else rfc3339(seconds)


VIEWS: Final = Views(_account, _session, _activity, _message)
