"""The words of the messages about a change of an account's address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from app.mail.models import Kind, Mail
from app.mail.wording import (
    NOT_ME,
    SECURE_PATH,
    Message,
    Site,
    duration,
    if_it_was_you,
    origin,
)

CONFIRM_PATH: Final = "/email/confirm"
UNDO_PATH: Final = "/email/undo"


def new_email(mail: Mail, site: Site, token: str) -> Message:
    """Lead whoever reads the new mailbox to the page that confirms it."""
    asked = (
        f"Somebody, most likely you, asked to make {mail.address} the address of their "
        f"{site.name} account."
    )
    once = (
        f"The link works once, for {duration(Kind.NEW_EMAIL)}. From then on you log in with this "
        "address."
    )
    not_you = (
        "If this was not you, ignore this message: without the link, your address is not used."
    )
    return Message(
        f"Confirm your new address for {site.name}",
        (asked, origin(mail)),
        site.link("Confirm this address", CONFIRM_PATH, token),
        (once, not_you),
    )


def email_taken(mail: Mail, site: Site, _token: str) -> Message:
    """Tell the owner of an account that another one cannot get the same address.

    The row is one of `NEW_EMAIL`, so that nothing that is stored of the other account says so.
    """
    asked = (
        f"Somebody, most likely you, asked to make {mail.address} the address of another "
        f"{site.name} account. It has an account of its own, so nothing was changed."
    )
    first = (
        "To use it for the other account, log in to this one first, and delete it or change its "
        "address."
    )
    return Message(
        f"This address has a {site.name} account already",
        (asked, origin(mail)),
        site.link("Log in", "/login"),
        (first, "If this was not you, ignore this message."),
        (site.link("Forgot your password? Choose a new one", "/reset"),),
    )


def email_change_requested(mail: Mail, site: Site, token: str) -> Message:
    """Tell the owner, at the present address, before anything is changed."""
    asked = (
        f"Somebody who knows the password of {mail.address} asked to give the account another "
        "address. Nothing is changed yet: first somebody has to confirm the other address, "
        f"within {duration(Kind.NEW_EMAIL)}."
    )
    return Message(
        f"Change of address requested for your {site.name} account",
        (asked, origin(mail)),
        site.link(NOT_ME, SECURE_PATH, token),
        if_it_was_you(mail),
    )


def email_changed(mail: Mail, site: Site, token: str) -> Message:
    """Tell the owner, at the former address, and offer to undo it."""
    changed = (
        f"{mail.address} is no longer the address of your {site.name} account: another address "
        "was confirmed from here:"
    )
    otherwise = (
        "If it was not, use the link. It leads to a page that asks once more; then "
        f"{mail.address} is the address of the account again, every session ends, your "
        "password stops working, and you get a link to choose a new one. It works once, for "
        f"{duration(Kind.EMAIL_CHANGED)}, also when the password or the address was changed again."
    )
    return Message(
        f"The address of your {site.name} account was changed",
        (changed, origin(mail)),
        site.link("Undo the change", UNDO_PATH, token),
        ("If this was you, there is nothing to do.", otherwise),
    )


def email_change_undone(mail: Mail, site: Site, _token: str) -> Message:
    """Tell whoever reads the mailbox that lost the account."""
    undone = (
        f"{mail.address} is no longer the address of a {site.name} account: its former address "
        "was restored, with a link from a message to that one. Every session ended, and the "
        "password stopped working. The request came from here:"
    )
    return Message(
        f"The address of your {site.name} account was changed back",
        (undone, origin(mail)),
        site.link(f"Go to {site.name}", "/"),
        (f"If somebody else reads the former mailbox, ask whoever runs {site.name} for help.",),
    )


MESSAGES: Final[dict[str, Callable[[Mail, Site, str], Message]]] = {
    Kind.NEW_EMAIL: new_email,
    Kind.EMAIL_CHANGE_REQUESTED: email_change_requested,
    Kind.EMAIL_CHANGED: email_changed,
    Kind.EMAIL_CHANGE_UNDONE: email_change_undone,
}
