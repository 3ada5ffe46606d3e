"""What the activity page says about each event, for its reader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from app.accounts.activity import Event
from app.web.activity_views import ActivityItem


@dataclass(frozen=True, slots=True)
class Words:
    """A title and a sentence, with names of `_values` in braces.

    `mark` is the kind of dot beside them: `live` for a credential that began, `spent` for one that
    ended, `safe` for what was blocked or secured, and `thief`.
    """

    title: str
    detail: str = ""
    mark: str = "spent"


WORDS: Final = {
    Event.REGISTERED: Words("Account created", "A link from your mail was used.", "live"),
    Event.LOGGED_IN: Words("Logged in", mark="live"),
    Event.LOG_IN_REFUSED: Words("Login refused", "The password was wrong {tries} from:", "safe"),
    Event.LOGGED_OUT: Words("Logged out"),
    Event.LOGGED_OUT_EVERYWHERE: Words("Logged out everywhere", "{sessions} ended."),
    Event.SESSION_ENDED: Words(
        "Session on {ended_device} ended", "It was ended on the Sessions page, from:"
    ),
    Event.SESSION_REPLACED: Words(
        "Session on {ended_device} ended", "A new login took its place."
    ),
    Event.SESSIONS_REVOKED: Words(
        "Sessions ended by an operator", "An operator of this site ended {sessions}."
    ),
    Event.REFRESH_REFUSED: Words("Session on {ended_device} ended: theft", "{theft}", "thief"),
    Event.PASSWORD_CHANGED: Words("Password changed", "{others} ended.", "safe"),
    Event.PASSWORD_CHANGE_REFUSED: Words(
        "Password change refused",
        "The current password was wrong {tries} from:",
        "safe",
    ),
    Event.REAUTHENTICATION_REFUSED: Words(
        "Wrong password in a session", "The password was wrong {tries} from:", "safe"
    ),
    Event.PASSWORD_RESET: Words(
        "Password reset", "A link from your mail was used. {sessions} ended.", "safe"
    ),
    Event.ACCOUNT_SECURED: Words(
        "Account secured",
        "The link “This wasn't me” was used: the old password is refused. {sessions} ended.",
        "safe",
    ),
    Event.EMAIL_CHANGE_REQUESTED: Words(
        "New e-mail address asked for", "It counts once its link is used. It was asked for from:"
    ),
    Event.EMAIL_CHANGED: Words(
        "E-mail address changed", "The link that was mailed to the new address was used from:"
    ),
    Event.EMAIL_CHANGE_UNDONE: Words(
        "E-mail address restored",
        "The link in the mail to the former address was used: the old password is refused. "
        "{sessions} ended.",
        "safe",
    ),
    Event.THEFT_DISMISSED: Words("Notice of a theft dismissed"),
    Event.DATA_EXPORTED: Words("Data downloaded", "A copy of all your data was made, from:"),
    Event.USER_DISABLED: Words("Account disabled", "An operator of this site disabled it."),
    Event.USER_ENABLED: Words(
        "Account enabled", "An operator of this site enabled it again.", "safe"
    ),
}
REUSED: Final = "An old copy of its cookie, which had already been exchanged, was used from:"
WITHOUT_KEY: Final = "Its cookie was used without its key, from:"


def words(item: ActivityItem) -> Words:
    """Return what to say about an item."""
    template, values = WORDS[Event(item["event"])], _values(item)
    return Words(
        template.title.format_map(values), template.detail.format_map(values), template.mark
    )


def _values(item: ActivityItem) -> dict[str, str]:
    count = item["count"]
    return {
        "ended_device": item["ended_device"] or "another device",
        "theft": REUSED if item["reason"] == "reuse" else WITHOUT_KEY,
        "tries": "once," if count == 1 else f"{count} times within an hour, last",
        "sessions": {0: "No session", 1: "1 session"}.get(count, f"{count} sessions"),
        "others": {1: "No other session", 2: "1 other session"}.get(
            count, f"{count - 1} other sessions"
        ),
    }
