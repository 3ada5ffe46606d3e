"""Answer by mail what anybody may ask about any address, so that the response tells nothing.

`register` and `reset` ask the same of the server for every address: they read one row, count in
the same limits, and store one message, which is sent or not. So neither the answer nor its time
shows which addresses have accounts (account enumeration).
"""

from __future__ import annotations

from app.accounts.emails import normalize_email
from app.accounts.models import User
from app.auth.dependencies import Auth
from app.errors import MailOff
from app.infra.audit import Client
from app.mail.models import Kind


def address_of(auth: Auth, email: str) -> str:
    """Return the normalized address to which the answer is mailed.

    Raises:
        MailOff: when the deployment sends no mail.
        InvalidRequest: when `email` is not an e-mail address.

    """
    if not auth.outbox.is_open:
        raise MailOff
    return normalize_email(email)


def answer(  # noqa: PLR0913 - what makes a message
    auth: Auth, kind: Kind, address: str, client: Client, user: User | None, *, is_due: bool
) -> None:
    """Store one message of `kind` to `address`, about `user`; it is sent when `is_due`."""
    auth.database.write(auth.outbox.put, kind, address, client, user, suppressed=not is_due)
    auth.outbox.wake()
