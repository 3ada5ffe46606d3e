"""What messages are made of; `messages` has the words of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from app.infra.user_agents import describe
from app.mail.links import DAY, HOUR, LIFETIMES
from app.mail.models import Mail

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
    """A link of a message."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Message:
    """The subject, the paragraphs before and after the link, the link, and links below it."""

    subject: str
    before: tuple[str, ...]
    link: Link
    after: tuple[str, ...]
    further: tuple[Link, ...] = ()


def origin(mail: Mail) -> str:
    """Return when, from which device and from which network the message was caused."""
    network = f", network address {mail.ip}" if mail.ip else ""
    return f"{time_of(mail)}, {describe(mail.user_agent)}{network}."


def time_of(mail: Mail) -> str:
    """Return when the message was caused."""
    at = datetime.fromtimestamp(mail.created_at, UTC)
    return f"{at.day} {at:%B %Y, %H:%M} UTC"


def duration(kind: str) -> str:
    """Return the life of a kind's link in words."""
    seconds = LIFETIMES[kind]
    number, unit = (seconds // DAY, "day") if seconds % DAY == 0 else (seconds // HOUR, "hour")
    return f"one {unit}" if number == 1 else f"{number} {unit}s"


def if_it_was_you(mail: Mail) -> tuple[str, ...]:
    """Return what to do with the link "This wasn't me", and when."""
    otherwise = (
        "If it was not, use the link. It leads to a page that asks once more; then every session "
        "ends, your password stops working, and you get a link to choose a new one. It works "
        f"once, for {duration(mail.kind)}."
    )
    return "If this was you, there is nothing to do.", otherwise
