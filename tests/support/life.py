"""Somebody who has used an account."""

from typing import Final

from tests.support.client import NEW_PASSWORD, Client, ended, other_browser
from tests.support.mail import mails

NOBODY: Final = "nobody@example.com"


def a_life(ada: Client, thief: Client) -> None:
    """Leave a row of every kind: sessions, a theft, refused log-ins, mails sent and unsent."""
    spent = ada.refresh_token
    ada.refresh()
    ended(thief.refresh(spent))
    ada.log_in("wrong wrong wrong")
    ada.log_in()
    ada.change_password(NEW_PASSWORD)
    other_browser(ada).log_out()
    mails(ada.app)
    for email in (ada.email, NOBODY):
        thief.ask("POST", "/auth/reset", {"email": email})
