"""The audit record: one line of JSON for each security event.

The stories of `app.auth` and the handlers of `app.web` write it. No line ever has a token, a
password or another secret. `docs/operations.md` lists the events.
"""

from __future__ import annotations

import json
import logging
import threading
from dataclasses import dataclass
from typing import Final

from app.infra.clock import Clock, rfc3339

logger: Final = logging.getLogger("latchkey.audit")

MAX_REFUSALS_PER_MINUTE: Final = 60
MINUTE: Final = 60
MAX_USER_AGENT_LENGTH: Final = 256


@dataclass(frozen=True, slots=True)
class Client:
    """Where a request came from, for the audit record, the list of sessions and the limits.

    `user_agent` has at most `MAX_USER_AGENT_LENGTH` characters. `device` is the mark of a known
    browser as it was sent, not verified. A field is empty when it is not known.
    """

    ip: str = ""
    user_agent: str = ""
    request_id: str = ""
    device: str = ""


class Audit:
    """Writes events to the logger `latchkey.audit`.

    Values are escaped as JSON, so that a hostile User-Agent cannot forge a line.
    """

    def __init__(self, clock: Clock) -> None:
        """Take the time of each event from `clock`."""
        self._clock = clock
        self._lock: Final = threading.Lock()
        self._refusals: Final[dict[tuple[str, str], tuple[int, int]]] = {}

    def record(self, event: str, client: Client | None = None, **fields: str | int) -> None:
        """Write `event` with the time, the client's address and browser, and `fields`.

        Fields with an empty string are omitted.
        """
        line: dict[str, str | int] = {"ts": rfc3339(self._clock.now()), "event": event, **fields}
        if client is not None:
            line |= {
                "request_id": client.request_id,
                "ip": client.ip,
                "user_agent": client.user_agent,
            }
        logger.info(json.dumps({name: value for name, value in line.items() if value != ""}))

    def refused(self, event: str, client: Client, reason: str, **fields: str | int) -> None:
        """Write a refusal that a client can cause at no cost, at most 60 a minute for a reason.

        Without this limit, an attacker could fill the disk. The first line after an omission says
        how many were omitted (`left_out`). `reason` must come from the code and not from the
        request, so that the number of reasons is limited too.
        """
        now, key = self._clock.now(), (event, reason)
        with self._lock:
            since, count = self._refusals.get(key, (now, 0))
            left_out = 0
            if not 0 <= now - since < MINUTE:
                since, count, left_out = now, 0, max(0, count - MAX_REFUSALS_PER_MINUTE)
            self._refusals[key] = since, count + 1
        if count < MAX_REFUSALS_PER_MINUTE:
            self.record(event, client, reason=reason, left_out=left_out or "", **fields)
