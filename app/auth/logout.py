"""End one session, or all sessions of an account."""

from __future__ import annotations

from sqlalchemy import Connection

from app.accounts.activity import Event
from app.auth.dependencies import Auth
from app.auth.happened import Happened, each_ended
from app.families import revocation
from app.families.models import Reason
from app.infra.audit import Client


def log_out(auth: Auth, cookie: str | None, sid: str | None, client: Client) -> None:
    """Revoke the family that the refresh cookie names, and the family `sid`.

    None, or a cookie that is not a valid refresh token, revokes nothing. An expired or spent
    cookie is accepted, because presenting it to `refresh` would revoke the family anyway. `sid`
    must come from an access token that was verified for this request.
    """
    now = auth.clock.now()

    def end(connection: Connection, family_id: str) -> list[Happened]:
        revoked = revocation.revoke_family(connection, family_id, Reason.LOGGED_OUT, now)
        return each_ended(Event.LOGGED_OUT, revoked, client)

    for family_id in {auth.issuer.family_id_of(cookie), sid} - {None}:
        auth.commit(end, family_id or "")


def log_out_everywhere(auth: Auth, user_id: str, client: Client) -> None:
    """Revoke every family of the user, the caller's included."""
    now = auth.clock.now()

    def end_all(connection: Connection) -> list[Happened]:
        revoked = revocation.revoke_user(connection, user_id, Reason.LOGGED_OUT, now)
        event = Event.LOGGED_OUT_EVERYWHERE
        return [Happened(event, user_id, client, revoked=tuple(revoked))] if revoked else []

    auth.commit(end_all)
