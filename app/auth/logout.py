"""End one session, or all sessions of an account."""

from __future__ import annotations

from app.auth.dependencies import Auth
from app.families import revocation
from app.families.models import Reason
from app.infra.audit import Client


def log_out(auth: Auth, cookie: str | None, sid: str | None, client: Client) -> None:
    """Revoke the family that the refresh cookie names, and the family `sid`.

    None, or a cookie that is not a valid refresh token, revokes nothing. An expired or spent
    cookie is accepted, because presenting it to `refresh` would revoke the family anyway. `sid`
    must come from an access token that was verified for this request.
    """
    for family_id in {auth.issuer.family_id_of(cookie), sid} - {None}:
        revoked = auth.database.write(
            revocation.revoke_family, family_id or "", Reason.LOGGED_OUT, auth.clock.now()
        )
        auth.deny(revoked, "logged_out", client)


def log_out_everywhere(auth: Auth, user_id: str, client: Client) -> None:
    """Revoke every family of the user, the caller's included."""
    revoked = auth.database.write(
        revocation.revoke_user, user_id, Reason.LOGGED_OUT, auth.clock.now()
    )
    auth.deny(revoked, "logged_out_everywhere", client)
