"""Put messages into the outbox; the stories of `app.auth` call this."""

from __future__ import annotations

import threading
from typing import Final

from sqlalchemy import Connection

from app.accounts.models import User
from app.families.issuer import new_id
from app.infra.audit import Client
from app.infra.clock import Clock
from app.mail import notice_queries, queries
from app.mail.links import DAY
from app.mail.models import Kind, Mail


class Outbox:
    """Stores messages, and wakes the thread that sends them. Safe to share between threads."""

    def __init__(self, clock: Clock, *, is_open: bool) -> None:
        """Take the time of each message from `clock`; without `is_open`, store none."""
        self._clock: Final = clock
        self.is_open: Final = is_open
        """Whether mail is sent at all; otherwise nobody can prove an address."""
        self.woken: Final = threading.Event()
        """Set when a message may be waiting; the sender of this worker waits for it."""

    def put(  # noqa: PLR0913 - what makes a message
        self,
        connection: Connection,
        kind: Kind,
        address: str,
        client: Client,
        user: User | None = None,
        *,
        suppressed: bool = False,
    ) -> None:
        """Store a message in the transaction of `connection`: one INSERT.

        It is sent only when that transaction commits. A `suppressed` message is stored and never
        sent, so that a caller who measures the time cannot tell whether one is sent. Nothing is
        stored where no mail is sent (MAIL_URL is `none`): it would wait for ever.
        """
        if self.is_open:
            mail = self.mail(kind, address, client, user, suppressed=suppressed)
            queries.insert(connection, mail)

    def put_once_a_day(
        self, connection: Connection, kind: Kind, client: Client, user: User
    ) -> None:
        """Store a notice to `user` unless they had it today about this client: one INSERT.

        They get at most `MAX_A_DAY` of that kind, for one password. The rows of the outbox are
        counted, in the caller's transaction, which has locked the row of `user`. So of two
        requests at once one is told of, and a change that is rolled back uses up nothing: nobody
        can make the first notice about themselves silent beforehand.
        """
        if self.is_open:
            mail = self.mail(kind, user.email, client, user)
            notice_queries.insert_unless_told(connection, mail, mail.created_at - DAY)

    def mail(
        self,
        kind: Kind,
        address: str,
        client: Client,
        user: User | None = None,
        *,
        suppressed: bool = False,
    ) -> Mail:
        """Return a message about `user` to `address`, which is sent at once or never."""
        now = self._clock.now()
        return Mail(
            id=new_id(),
            kind=kind,
            user_id=user.id if user else None,
            password_epoch=user.password_changed_at if user else None,
            email_epoch=user.email_changed_at if user else None,
            address=address,
            ip=client.ip,
            user_agent=client.user_agent,
            created_at=now,
            next_try_at=None if suppressed else now,
        )

    def wake(self) -> None:
        """Let this worker send at once, instead of at its next look; call it after the commit."""
        self.woken.set()
