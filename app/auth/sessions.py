"""List and end the sessions of one's own account."""

from __future__ import annotations

from sqlalchemy import Connection

from app.accounts.activity import Event
from app.auth.dependencies import Auth
from app.auth.happened import Happened, each_ended
from app.errors import NotFound
from app.families import queries as families
from app.families import revocation
from app.families.models import Family, Reason
from app.infra.audit import Client


def active_sessions(auth: Auth, user_id: str) -> list[Family]:
    """Return the user's families that are neither revoked nor expired, the latest used first."""
    return auth.database.read(families.active_families, user_id, auth.clock.now())


def end_session(auth: Auth, user_id: str, family_id: str, client: Client) -> None:
    """Revoke one family of the user.

    Raises:
        NotFound: when the family is revoked already, does not exist, or is another user's. The
            three cases are not distinguished, so that nobody learns another user's ids.

    """
    now = auth.clock.now()

    def end(connection: Connection) -> list[Happened]:
        revoked = revocation.revoke_family_of_user(
            connection, user_id, family_id, Reason.LOGGED_OUT, now
        )
        return each_ended(Event.SESSION_ENDED, revoked, client)

    if not auth.commit(end):
        raise NotFound
