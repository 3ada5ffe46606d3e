"""Send what is in the outbox; a thread of each worker runs this, and `flask mail send`.

A worker claims one message at a time by a lease in the database, sends it, and notes that. When a
worker dies in between, another sends the message after the lease ends: it may arrive twice, and
never not at all. A message that is not accepted is tried again for a day, then given up; `flask
mail list`, `flask doctor` and the audit record say so.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from app.infra.audit import Audit
from app.infra.clock import Clock
from app.infra.database import Database
from app.infra.outage_log import OutageLog
from app.mail import queries
from app.mail.composer import Composer
from app.mail.models import Mail
from app.mail.transports import Deferred, Failed, Refused, Send, Transport

logger: Final = logging.getLogger("latchkey.mail")

# Longer than `transports` lets one message and its connection take.
LEASE_SECONDS: Final = 180
LOOK_SECONDS: Final = 1.0
STOP_SECONDS: Final = 5.0
PAUSE_SECONDS: Final = 15.0  # after the server has failed
FIRST_DELAY_SECONDS: Final = 30
MAX_DELAY_SECONDS: Final = 900
KEPT_TRYING_SECONDS: Final = 86400


@dataclass(frozen=True, slots=True)
class Pass:
    """What one pass over the outbox did; `failing` means that the server does not accept mail."""

    sent: int = 0
    given_up: int = 0
    failing: bool = False


@dataclass(frozen=True)
class Sender:
    """Sends the messages of one deployment through `transport`."""

    database: Database
    composer: Composer
    transport: Transport
    audit: Audit
    clock: Clock
    outages: OutageLog

    @contextmanager
    def running(self, woken: Event) -> Iterator[None]:
        """Send in a thread inside the `with` block, at once each time `woken` is set.

        The end of the block waits for the message that is being sent, but not for long: when the
        process ends before the server answers, another worker sends it once more.
        """
        stop = Event()
        thread = Thread(target=self.run, args=(stop, woken), name="mail", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            woken.set()
            thread.join(STOP_SECONDS)

    def run(self, stop: Event, woken: Event) -> None:
        """Send what is due, each time `woken` is set and every second, until `stop` is set."""
        while not stop.is_set():
            woken.wait(LOOK_SECONDS)
            woken.clear()
            try:
                failing = self.send_due(stop).failing
            except SQLAlchemyError as error:
                self.outages.warn("the outbox cannot be read: %s", type(error).__name__)
                failing = True
            except Exception:
                logger.exception("the outbox was not sent")
                failing = True
            if failing:
                stop.wait(PAUSE_SECONDS)

    def send_due(self, stop: Event | None = None) -> Pass:
        """Send what is due now, over one connection; end early when the server fails.

        Raises:
            SQLAlchemyError: when the database cannot be reached.

        """
        if not self.database.read(queries.any_due, self.clock.now()):
            return Pass()
        sent = given_up = 0
        try:
            with self.transport.connect() as send:
                while not (stop and stop.is_set()) and (mail := self._claim()):
                    delivered = self._deliver(mail, send)
                    sent, given_up = sent + (delivered is True), given_up + (delivered is False)
        except Failed as failure:
            self.outages.warn("mail is not sent: %s", failure)
            return Pass(sent, given_up + self._give_up_old(str(failure)), failing=True)
        if sent:
            self.outages.recovered("mail is sent again")
        return Pass(sent, given_up)

    def _claim(self) -> Mail | None:
        now = self.clock.now()
        return self.database.write(queries.claim, now, now + LEASE_SECONDS)

    def _deliver(self, mail: Mail, send: Send) -> bool | None:
        """Send a claimed message; return whether it was sent (True) or given up (False).

        None when it is tried again later.

        Raises:
            Failed: when the server accepts no message; this one is tried again later.

        """
        try:
            send(self.composer.compose(mail))
        except Refused as refused:
            self._give_up(mail, str(refused))
            return False
        except Deferred as deferred:
            return self._postpone(mail, str(deferred))
        except Failed as failure:
            self._postpone(mail, str(failure))
            raise
        self.database.write(queries.mark_sent, mail, self.clock.now())
        self.audit.record("mail_sent", mail=mail.id, kind=mail.kind, user_id=mail.user_id or "")
        return True

    def _postpone(self, mail: Mail, reason: str) -> bool | None:
        """Let a message be tried again; give it up, and return False, after a day of trying."""
        now = self.clock.now()
        delay = min(FIRST_DELAY_SECONDS * 2 ** min(mail.tries, 10), MAX_DELAY_SECONDS)
        if now + delay > mail.created_at + KEPT_TRYING_SECONDS:
            self._give_up(mail, reason)
            return False
        self.database.write(queries.postpone, mail.id, now + delay, reason)
        return None

    def _give_up_old(self, reason: str) -> int:
        """Give up what has waited for a day, which a server that is away never lets be claimed."""
        count, now = 0, self.clock.now()
        while mail := self.database.write(queries.claim_older, now - KEPT_TRYING_SECONDS, now):
            self._give_up(mail, reason)
            count += 1
        return count

    def _give_up(self, mail: Mail, reason: str) -> None:
        self.database.write(queries.give_up, mail, self.clock.now(), reason)
        self.audit.record(
            "mail_given_up",
            mail=mail.id,
            kind=mail.kind,
            user_id=mail.user_id or "",
            reason=reason,
        )
