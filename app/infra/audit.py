"""The audit record: one line of JSON per security event, and never a token or a password."""

from __future__ import annotations

import json
import logging
import threading
from dataclasses import dataclass
from typing import Final

from app.infra.clock import Clock, rfc3339

logger: Final = logging.getLogger("latchkey.audit")

REFUSALS_A_MINUTE: Final = 60
MINUTE: Final = 60


@dataclass(frozen=True, slots=True)
class Client:
    """Where a request came from: what the audit record and the sessions page may say of it."""

    ip: str = ""
    user_agent: str = ""
    request_id: str = ""
    device: str = ""


class Audit:
    """Writes events; JSON escaping keeps a hostile User-Agent inside its own line."""

    def __init__(self, clock: Clock) -> None:
        """Take the time from `clock`."""
        self._clock = clock
        self._lock: Final = threading.Lock()
        self._refusals: Final[dict[tuple[str, str], tuple[int, int]]] = {}

    def record(self, event: str, client: Client | None = None, **fields: str | int) -> None:
        """Write `event` with its fields; empty ones are left out."""
        line: dict[str, str | int] = {"ts": rfc3339(self._clock.now()), "event": event, **fields}
        if client is not None:
            line |= {
                "request_id": client.request_id,
                "ip": client.ip,
                "user_agent": client.user_agent,
            }
        logger.info(json.dumps({name: value for name, value in line.items() if value != ""}))

    def refused(self, event: str, client: Client, reason: str, **fields: str | int) -> None:
        """Write a refusal that can be provoked at will, 60 of a kind in a minute.

        Without a bound, requests that cost nothing fill the disk. What was left out is counted,
        and the next line of its kind says how many: `left_out`. `reason` is a word of the code's.
        """
        now, kind = self._clock.now(), (event, reason)
        with self._lock:
            since, seen = self._refusals.get(kind, (now, 0))
            left_out = 0
            if not 0 <= now - since < MINUTE:
                since, seen, left_out = now, 0, max(0, seen - REFUSALS_A_MINUTE)
            self._refusals[kind] = since, seen + 1
        if seen < REFUSALS_A_MINUTE:
            self.record(event, client, reason=reason, left_out=left_out or "", **fields)
