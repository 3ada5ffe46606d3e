import pytest

from app.accounts.activity import Activity, Event
from app.auth.history import ActivityPage
from app.families.models import THEFTS
from app.pages.activity_words import WORDS, Words, words
from app.web.activity_views import activity_view

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/150.0 Safari/537.36"


def said(event: str, count: int = 0, reason: str = "", agent: str = CHROME) -> Words:
    """Return what is said about a row."""
    row = Activity("id", "ada", 0, event, reason, session_user_agent=agent, count=count)
    return words(activity_view(ActivityPage([row], None), "")["activity"][0])


@pytest.mark.parametrize("event", Event)
@pytest.mark.parametrize("count", [0, 1, 2, 9])
def test_every_event_has_words(event: Event, count: int) -> None:
    """Without braces, and with the end of a sentence where there is one."""
    told = said(event, count)
    assert told.title
    assert not set("{}") & set(told.title + told.detail)
    assert told.detail[-1:] in {"", ".", ":"}
    assert told.mark in {"live", "spent", "safe", "thief"}
    assert WORDS.keys() == set(Event)


@pytest.mark.parametrize(
    ("event", "count", "detail"),
    [
        (Event.PASSWORD_CHANGED, 1, "No other session ended."),
        (Event.PASSWORD_CHANGED, 2, "1 other session ended."),
        (Event.PASSWORD_CHANGED, 3, "2 other sessions ended."),
        (Event.LOGGED_OUT_EVERYWHERE, 1, "1 session ended."),
        (Event.LOGGED_OUT_EVERYWHERE, 2, "2 sessions ended."),
        (Event.LOG_IN_REFUSED, 1, "The password was wrong once, from:"),
        (
            Event.LOG_IN_REFUSED,
            4,
            "The password was wrong 4 times within an hour, last from:",
        ),
    ],
)
def test_numbers_are_in_words(event: Event, count: int, detail: str) -> None:
    assert said(event, count).detail == detail


def test_the_session_that_ended_is_named() -> None:
    """By its device, or without where no device is known."""
    assert said(Event.SESSION_ENDED).title == "Session on Chrome on Linux ended"
    assert said(Event.SESSION_ENDED, agent="").title == "Session on another device ended"


def test_each_theft_is_explained() -> None:
    """A spent cookie, or one without its key."""
    details = {said(Event.REFRESH_REFUSED, 1, reason).detail for reason in THEFTS}
    assert len(details) == 2
    assert said(Event.REFRESH_REFUSED, 1, "reuse").detail.startswith("An old copy")
