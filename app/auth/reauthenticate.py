"""Prove anew who one is, in a session that goes on (RFC 9470)."""

from __future__ import annotations

from app.accounts.activity import Event
from app.auth.dependencies import Auth
from app.auth.happened import Happened
from app.auth.profile import account
from app.errors import InvalidToken, WrongPassword
from app.families import auth_time
from app.families.issuer import TokenPair
from app.infra.audit import Client


def reauthenticate(auth: Auth, sid: str, password: str, client: Client) -> TokenPair:
    """Verify the password again, and issue an access token of the family `sid` that says so.

    The refresh token of the pair is the one that the browser has, or was when this read the row:
    nothing is rotated, so a lost response costs nothing and the request can be repeated. Access
    tokens that were issued before keep their older `auth_time`.

    Raises:
        WrongPassword: when `password` is not the account's password. The session goes on.
        InvalidRequest: when the password is too long or not valid Unicode text.
        TooManyAttempts: when a limit of the account is used up.
        Busy: when the queue for password hashing has no place for the client.
        InvalidToken: when the session or the account ended, or the password changed, meanwhile.

    """
    user, _ = account(auth, sid)
    # The caller has an active session, so it may use the places for known browsers.
    with auth.password_login.queue.place(client, known=True) as place:
        verified = auth.password_login.verify(user.email, user, password, place, in_session=True)
    if not verified:
        auth.count_refusal(Happened(Event.REAUTHENTICATION_REFUSED, user.id, client, sid))
        raise WrongPassword("The password is wrong.")
    proved = auth.database.write(auth_time.renew, sid, user.password_hash, auth.clock.now())
    if proved is None:
        raise InvalidToken(reason="session_ended_meanwhile")
    auth.audit.record("reauthenticated", client, user_id=user.id, sid=sid)
    return auth.issuer.issue(*proved)
