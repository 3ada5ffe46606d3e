"""Read and dismiss the notices of theft of one's own account."""

from __future__ import annotations

from sqlalchemy import Connection

from app.accounts.activity import Event
from app.auth.dependencies import Auth
from app.auth.happened import Happened
from app.errors import NotFound
from app.families import thefts
from app.families.models import THEFT_SHOWN_SECONDS, Family
from app.infra.audit import Client


def recent_thefts(auth: Auth, user_id: str) -> list[Family]:
    """Return the user's families that were revoked for theft recently, the latest first.

    Recently means within `THEFT_SHOWN_SECONDS` and since the last password change. Those that the
    user dismissed are left out.
    """
    since = auth.clock.now() - THEFT_SHOWN_SECONDS
    return auth.database.read(thefts.stolen_families, user_id, since)


def dismiss_theft(auth: Auth, user_id: str, family_id: str, client: Client) -> None:
    """Show a theft no longer. The activity tells who did so, since a thief may want that too.

    Raises:
        NotFound: when there is no such notice, it is dismissed already or no longer shown, or it
            is another user's. The cases are not distinguished, as for sessions.

    """
    now = auth.clock.now()

    def dismiss(connection: Connection) -> list[Happened]:
        since = now - THEFT_SHOWN_SECONDS
        dismissed = thefts.dismiss(connection, user_id, family_id, since, now)
        happened = Happened(Event.THEFT_DISMISSED, user_id, client, family_id)
        return [happened] if dismissed else []

    if not auth.commit(dismiss):
        raise NotFound
