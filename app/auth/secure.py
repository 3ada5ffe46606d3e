"""Take an account back from a thief, with the link "This wasn't me" of a notice.

It needs no log-in, because the thief may have changed the password.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection

from app.accounts.activity import Event
from app.auth import opened_links
from app.auth.dependencies import Auth
from app.auth.happened import Happened
from app.infra.audit import Client
from app.mail.links import AFTER_A_CHANGE
from app.mail.models import Kind

# The hash of no password. Nobody can log in until a new one is chosen.
NO_PASSWORD: Final = ""


def check_secure(auth: Auth, token: str) -> str:
    """Return the address of the account that the link with this token secures; change nothing.

    Raises:
        InvalidLink: when the link is altered, too old or used up, or the account is disabled.

    """
    return auth.database.read(opened_links.read, auth, token, AFTER_A_CHANGE).email


def secure(auth: Auth, token: str, client: Client) -> None:
    """End every session, refuse the present password, and mail a link to choose a new one.

    When this returns, every access token of the account is refused in every worker.

    Raises:
        InvalidLink: when the link is altered, too old or used up, or the account is disabled.

    """

    def change(connection: Connection) -> list[Happened]:
        user, revoked = opened_links.replace_password(
            connection, auth, token, AFTER_A_CHANGE, NO_PASSWORD
        )
        auth.outbox.put(connection, Kind.RESET, user.email, client, user)
        return [Happened(Event.ACCOUNT_SECURED, user.id, client, revoked=tuple(revoked))]

    auth.commit(change)
    auth.outbox.wake()
