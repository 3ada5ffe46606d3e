"""What an attack reads of the deployment's outbox, with its settings as an insider has them.

An attack cannot read its account's mailbox. It makes the tokens of the links itself, as the sender
of the messages does.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select

from app.accounts import queries as accounts
from app.attacks.context import AttackContext
from app.attacks.obstacles import Inconclusive, Missing
from app.infra.clock import Clock
from app.mail.models import Kind, Mail, mails
from app.services import Services, build

MAIL_OFF: Final = "mail_off"
OF_ADDRESS: Final = select(mails).where(
    mails.c.address == bindparam("address"), mails.c.kind == bindparam("kind")
)


@dataclass
class ReadOutbox:
    """The messages that an attack caused."""

    context: AttackContext
    services: Services

    def written(self, address: str, kind: Kind) -> list[Mail]:
        """Return the messages of that kind to that address that were sent, or wait to be sent."""
        with self.services.database.autocommit() as connection:
            rows = connection.execute(OF_ADDRESS, {"address": address, "kind": kind})
            found = [Mail(*row) for row in rows]
        return [
            mail
            for mail in found
            if mail.next_try_at is not None
            or mail.sent_at is not None
            or mail.failed_at is not None
        ]

    def link(self, path: str, address: str, kind: Kind) -> str:
        """Have a message written by a request to `path`, and return the token of its link.

        Raises:
            Missing: when the deployment sends no mail.
            Inconclusive: when no message was written, because the address had too many.

        """
        former = {mail.id for mail in self.written(address, kind)}
        visitor = self.context.browser()
        answer = self.context.patiently(lambda: visitor.ask("POST", path, {"email": address}))
        if answer.code == MAIL_OFF:
            raise Missing("the deployment sends no mail (MAIL_URL is none)")
        self.context.works(answer, f"POST {path}")
        new = [mail for mail in self.written(address, kind) if mail.id not in former]
        if not new:
            raise Inconclusive(f"no message was written to {address}: its limit may be used up")
        user = self.services.database.read(accounts.find_by_email, address)
        now = self.services.clock.now()
        token = self.services.auth.links.token(new[0], user, now)
        self.context.record.secrets.add(token)
        return token


@contextmanager
def read_outbox(context: AttackContext) -> Iterator[ReadOutbox]:
    """Open the deployment's database for the time of an attack."""
    services = build(context.target.settings, Clock())
    try:
        yield ReadOutbox(context, services)
    finally:
        services.redis.close()
        services.database.engine.dispose()
