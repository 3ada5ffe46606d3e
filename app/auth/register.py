"""Open an account."""

from __future__ import annotations

from sqlalchemy.exc import IntegrityError

from app.accounts import queries as accounts
from app.accounts.emails import normalize_email
from app.accounts.models import User
from app.auth.dependencies import Auth
from app.auth.login import begin_session
from app.errors import EmailTaken, InvalidRequest
from app.families.issuer import PresentedCredentials, TokenPair, new_id
from app.infra.audit import Client


def register(auth: Auth, email: str, password: str, client: Client) -> User:
    """Open an account. This begins no session.

    Raises:
        InvalidRequest: when `email` is not an e-mail address, or the password is not valid
            Unicode text.
        WeakPassword: when the password is too short, too easy to guess, or the address itself.
        EmailTaken: when the address has an account. The unique index decides between two
            registrations of one address at the same time.
        TooManyAttempts: when the client's network has registered too often.
        Busy: when the queue for password hashing has no place for the client.

    """
    try:
        address = normalize_email(email)
    except ValueError as error:
        raise InvalidRequest(str(error), reason="email") from None
    with auth.password_login.queue.place(client) as place:
        auth.throttle.register(client.ip)
        auth.password_login.policy.check(password, address)
        hashed = place.run(auth.password_login.passwords.hash, password)
    now = auth.clock.now()
    user = User(new_id(), address, hashed, now, now, None, None)
    try:
        auth.database.write(accounts.insert, user)
    except IntegrityError:
        raise EmailTaken from None
    auth.audit.record("registered", client, user_id=user.id)
    return user


def register_and_log_in(
    auth: Auth, email: str, password: str, client: Client, presented: PresentedCredentials
) -> TokenPair:
    """Open an account and begin its first session.

    Raises:
        InvalidRequest, WeakPassword, EmailTaken, TooManyAttempts, Busy: as `register`.

    """
    user = register(auth, email, password, client)
    return begin_session(auth, user, client, presented, remembered=False)
