"""The audit record: one line of JSON per security event, and never a token or a password."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import Final

from app.clock import Clock, rfc3339

logger: Final = logging.getLogger("latchkey.audit")


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
