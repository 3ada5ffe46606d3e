"""The words of each message. `rendering` makes text and HTML of the same words.

A message says what happened, when, and from which device and network; what to do when that was
the reader, and what to do when it was not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from app.infra.user_agents import describe
from app.mail.links import DAY, HOUR, LIFETIMES
from app.mail.models import Kind, Mail

RESET_PATH: Final = "/reset/finish"
SECURE_PATH: Final = "/secure"
NOT_ME: Final = "This wasn\N{RIGHT SINGLE QUOTATION MARK}t me"


@dataclass(frozen=True, slots=True)
class Site:
    """What messages say about the product, and where their links lead."""

    name: str
    public_url: str

    def link(self, label: str, path: str, token: str = "") -> Link:
        """Return a link to a page. Its URL begins with PUBLIC_URL, never with a request's Host."""
        return Link(label, f"{self.public_url}{path}" + (f"?token={token}" if token else ""))


@dataclass(frozen=True, slots=True)
class Link:
    """The one link of a message."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Message:
    """The subject, the paragraphs before and after the link, and the link."""

    subject: str
    before: tuple[str, ...]
    link: Link
    after: tuple[str, ...]


def reset(mail: Mail, site: Site, token: str) -> Message:
    """Lead to the page where a new password is chosen."""
    once = (
        f"The link works once, for {_duration(Kind.RESET)}. Choosing a new password ends every "
        "session of the account."
    )
    return Message(
        f"Choose a new password for {site.name}",
        (f"A new password was asked for, for the account of {mail.address}.", _origin(mail)),
        site.link("Choose a new password", RESET_PATH, token),
        (once, "If this was not you, ignore this message: your password stays as it is."),
    )


def no_account(mail: Mail, site: Site, _token: str) -> Message:
    """Tell the reader that they may have mistyped, or used another address."""
    nothing = (
        f"A new password was asked for, but {mail.address} has no account here. Perhaps you "
        "registered with another address."
    )
    return Message(
        f"There is no {site.name} account for this address",
        (nothing, _origin(mail)),
        site.link("Register", "/register"),
        ("If this was not you, ignore this message. It comes at most once a day.",),
    )


def password_changed(mail: Mail, site: Site, token: str) -> Message:
    """Tell the owner that the password was changed by somebody who knew the former one."""
    return Message(
        f"Your {site.name} password was changed",
        (f"The password of {mail.address} was changed, and every session ended.", _origin(mail)),
        site.link(NOT_ME, SECURE_PATH, token),
        _if_it_was_you(mail),
    )


def password_reset(mail: Mail, site: Site, token: str) -> Message:
    """Tell the owner that a new password was chosen with a mailed link."""
    chosen = (
        f"A new password was chosen for {mail.address}, with a link from a message to this "
        "address, and every session ended."
    )
    return Message(
        f"Your {site.name} password was reset",
        (chosen, _origin(mail)),
        site.link(NOT_ME, SECURE_PATH, token),
        _if_it_was_you(mail),
    )


def theft(mail: Mail, site: Site, token: str) -> Message:
    """Tell the owner that a session was used by two, and that it ended for both."""
    ended = (
        f"A session of {mail.address} was used with a copy of its cookie. It ended at once, for "
        "whoever has the copy too. The request that showed it came from here:"
    )
    what_to_do = (
        "Log in again to go on. If you have lost a device, or do not know what happened, use the "
        "link. It leads to a page that asks once more; then every session ends, the present "
        "password is refused, and you get a link to choose a new one. It works once, for "
        f"{_duration(Kind.THEFT)}."
    )
    return Message(
        f"A {site.name} session was ended to protect you",
        (ended, _origin(mail)),
        site.link("Secure the account", SECURE_PATH, token),
        (what_to_do,),
    )


def account_deleted(mail: Mail, site: Site, _token: str) -> Message:
    """Confirm that nothing is left, and say who did it: the owner, or an operator."""
    deleted = (
        f"The account of {mail.address} was deleted, with all that was kept about it, and every "
        "session ended. This is the last message."
    )
    again = "A new account with the same address has nothing in common with the former one."
    otherwise = (
        "If this was not you, somebody knew your password. Change it wherever else you use it."
    )
    by_owner = bool(mail.ip or mail.user_agent)
    return Message(
        f"Your {site.name} account was deleted",
        (deleted, _origin(mail) if by_owner else f"{_time(mail)}, by an operator of {site.name}."),
        site.link("Open a new account", "/register"),
        (again, otherwise) if by_owner else (again,),
    )


MESSAGES: Final[dict[str, Callable[[Mail, Site, str], Message]]] = {
    Kind.RESET: reset,
    Kind.NO_ACCOUNT: no_account,
    Kind.PASSWORD_CHANGED: password_changed,
    Kind.PASSWORD_RESET: password_reset,
    Kind.THEFT: theft,
    Kind.ACCOUNT_DELETED: account_deleted,
}


def _if_it_was_you(mail: Mail) -> tuple[str, ...]:
    otherwise = (
        "If it was not, use the link. It leads to a page that asks once more; then every session "
        "ends, the present password is refused, and you get a link to choose a new one. It works "
        f"once, for {_duration(mail.kind)}."
    )
    return "If this was you, there is nothing to do.", otherwise


def _origin(mail: Mail) -> str:
    network = f", network address {mail.ip}" if mail.ip else ""
    return f"{_time(mail)}, {describe(mail.user_agent)}{network}."


def _time(mail: Mail) -> str:
    at = datetime.fromtimestamp(mail.created_at, UTC)
    return f"{at.day} {at:%B %Y, %H:%M} UTC"


def _duration(kind: str) -> str:
    """Return the life of a kind's link in words."""
    seconds = LIFETIMES[kind]
    number, unit = (seconds // DAY, "day") if seconds % DAY == 0 else (seconds // HOUR, "hour")
    return f"one {unit}" if number == 1 else f"{number} {unit}s"
