"""End one session, or all of them."""

from __future__ import annotations

from app.auth.dependencies import Auth
from app.families import revocation
from app.families.models import Reason
from app.infra.audit import Client


def log_out(auth: Auth, cookie: str | None, sid: str | None, client: Client) -> None:
    """Revoke the family that the cookie names, and the family `sid`; None revokes nothing.

    The cookie may be out of date: whoever holds it can end its family anyway, by using it. `sid`
    is the id of a family whose access token the caller has verified for this very request.
    """
    for family_id in {auth.issuer.family_id_of(cookie), sid} - {None}:
        revoked = auth.database.write(
            revocation.revoke_family, family_id or "", Reason.LOGGED_OUT, auth.clock.now()
        )
        auth.deny(revoked, "logged_out", client)


def log_out_everywhere(auth: Auth, user_id: str, client: Client) -> None:
    """Revoke every family of a user."""
    revoked = auth.database.write(
        revocation.revoke_user, user_id, Reason.LOGGED_OUT, auth.clock.now()
    )
    auth.deny(revoked, "logged_out_everywhere", client)
