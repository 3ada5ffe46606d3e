"""The words of each message. `rendering` makes text and HTML of the same words.

A message says what happened, when, and from which device and network; what to do when that was
the reader, and what to do when it was not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from app.mail import email_messages
from app.mail.models import MAX_A_DAY, Kind, Mail
from app.mail.wording import (
    NOT_ME,
    SECURE_PATH,
    Message,
    Site,
    duration,
    if_it_was_you,
    origin,
    time_of,
)

REGISTER_PATH: Final = "/register/finish"
RESET_PATH: Final = "/reset/finish"


def registration(mail: Mail, site: Site, token: str) -> Message:
    """Lead to the page where the password of a new account is chosen."""
    asked = f"Somebody, most likely you, asked for a {site.name} account for {mail.address}."
    return Message(
        f"Finish creating your {site.name} account",
        (asked, origin(mail)),
        site.link("Choose your password", REGISTER_PATH, token),
        (
            f"The link works once, for {duration(Kind.REGISTRATION)}.",
            "If this was not you, ignore this message: without the link there is no account.",
        ),
    )


def already_registered(mail: Mail, site: Site, _token: str) -> Message:
    """Tell the owner of an account that there is no need to register."""
    asked = (
        f"Somebody, most likely you, asked for a {site.name} account for {mail.address}. This "
        "address has one already."
    )
    return Message(
        f"You already have a {site.name} account",
        (asked, origin(mail)),
        site.link("Log in", "/login"),
        ("If this was not you, ignore this message: nothing was changed.",),
        (site.link("Forgot your password? Choose a new one", "/reset"),),
    )


def reset(mail: Mail, site: Site, token: str) -> Message:
    """Lead to the page where a new password is chosen."""
    once = (
        f"The link works once, for {duration(Kind.RESET)}. Choosing a new password ends every "
        "session of the account."
    )
    return Message(
        f"Choose a new password for {site.name}",
        (f"Someone asked for a new password for the account of {mail.address}.", origin(mail)),
        site.link("Choose a new password", RESET_PATH, token),
        (once, "If this was not you, ignore this message: your password stays as it is."),
    )


def no_account(mail: Mail, site: Site, _token: str) -> Message:
    """Tell the reader that they may have mistyped, or used another address."""
    nothing = (
        f"Someone asked for a new password, but {mail.address} has no account here. Perhaps you "
        "registered with another address."
    )
    return Message(
        f"There is no {site.name} account for this address",
        (nothing, origin(mail)),
        site.link("Register", "/register"),
        ("If this was not you, ignore this message. It comes at most once a day.",),
    )


def password_changed(mail: Mail, site: Site, token: str) -> Message:
    """Tell the owner that the password was changed by somebody who knew the former one."""
    return Message(
        f"Your {site.name} password was changed",
        (f"The password of {mail.address} was changed, and every session ended.", origin(mail)),
        site.link(NOT_ME, SECURE_PATH, token),
        if_it_was_you(mail),
    )


def password_reset(mail: Mail, site: Site, token: str) -> Message:
    """Tell the owner that a new password was chosen with a mailed link."""
    chosen = (
        f"A new password was chosen for {mail.address}, with a link from a message to this "
        "address, and every session ended."
    )
    return Message(
        f"Your {site.name} password was reset",
        (chosen, origin(mail)),
        site.link(NOT_ME, SECURE_PATH, token),
        if_it_was_you(mail),
    )


def theft(mail: Mail, site: Site, token: str) -> Message:
    """Tell the owner that a session was used by two, and that it ended for both."""
    ended = (
        f"A session of {mail.address} was used with a copy of its cookie. It ended at once, for "
        "whoever has the copy too. The request that showed it came from here:"
    )
    what_to_do = (
        "Log in again to continue. If you have lost a device, or do not know what happened, use "
        "the link. It leads to a page that asks once more; then every session ends, your "
        "password stops working, and you get a link to choose a new one. It works once, for "
        f"{duration(Kind.THEFT)}."
    )
    return Message(
        f"A {site.name} session was ended to protect you",
        (ended, origin(mail)),
        site.link("Secure the account", SECURE_PATH, token),
        (what_to_do,),
    )


def new_browser(mail: Mail, site: Site, token: str) -> Message:
    """Tell the owner of a log-in from a browser without the account's mark."""
    logged_in = (
        f"Somebody logged in to the account of {mail.address} with the right password, from a "
        "browser that is new to it:"
    )
    how_often = (
        "A browser is new, too, when its cookies were deleted, and when the password was changed "
        "since it last logged in. There is one such message a day for a browser, and at most "
        f"{MAX_A_DAY}; the Activity page of the account shows every login."
    )
    return Message(
        f"New login to your {site.name} account",
        (logged_in, origin(mail)),
        site.link(NOT_ME, SECURE_PATH, token),
        (*if_it_was_you(mail), how_often),
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
    by_operator = f"{time_of(mail)}, by an operator of {site.name}."
    by_owner = bool(mail.ip or mail.user_agent)
    return Message(
        f"Your {site.name} account was deleted",
        (deleted, origin(mail) if by_owner else by_operator),
        site.link("Open a new account", "/register"),
        (again, otherwise) if by_owner else (again,),
    )


MESSAGES: Final[dict[str, Callable[[Mail, Site, str], Message]]] = {
    Kind.REGISTRATION: registration,
    Kind.ALREADY_REGISTERED: already_registered,
    Kind.RESET: reset,
    Kind.NO_ACCOUNT: no_account,
    Kind.PASSWORD_CHANGED: password_changed,
    Kind.PASSWORD_RESET: password_reset,
    Kind.THEFT: theft,
    Kind.NEW_BROWSER: new_browser,
    Kind.ACCOUNT_DELETED: account_deleted,
    **email_messages.MESSAGES,
}
