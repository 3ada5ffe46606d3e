"""Events of work in a thread, as they happen, for a response that is streamed."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any, Final

from flask import Response

from app.infra.logs import ROOT_LOGGER
from app.web.headers import UNBUFFERED

Event = dict[str, Any]
Report = Callable[[Event], None]

LINES: Final = "application/x-ndjson"
BROKEN: Final = "The run broke off. The server's log says why."

logger: Final = logging.getLogger(f"{ROOT_LOGGER}.lab")


class Stopped(Exception):
    """Nobody waits for the events any more, so the work ends where it reports the next one."""


class Live:
    """Work that has begun in a thread, and an iterator over what it reports."""

    def __init__(self, work: Callable[[Report], None]) -> None:
        """Start `work`, which is given the function that reports an event."""
        self._events: Final[SimpleQueue[Event | Exception | None]] = SimpleQueue()
        self._stopped: Final = threading.Event()
        threading.Thread(target=self._run, args=(work,), daemon=True).start()

    def first(self) -> Event:
        """Return the first event.

        Raises:
            Exception: what ended the work before its first event.

        """
        event = self._events.get()
        if isinstance(event, Exception):
            raise event
        return event or {}

    def __iter__(self) -> Iterator[Event]:
        while event := self._events.get():
            if isinstance(event, Exception):
                logger.error("a run of the lab broke off", exc_info=event)
                yield {"failed": BROKEN}
            else:
                yield event

    def close(self) -> None:
        """Have the work end at its next event."""
        self._stopped.set()

    def _run(self, work: Callable[[Report], None]) -> None:
        try:
            work(self._report)
        except Stopped:
            return
        except Exception as error:  # noqa: BLE001 - `first` raises it, or the stream says so
            self._events.put(error)
        self._events.put(None)

    def _report(self, event: Event) -> None:
        if self._stopped.is_set():
            raise Stopped
        self._events.put(event)


def streamed(work: Callable[[Report], None]) -> Response:
    """Return a response with each event of `work` on a line of JSON, sent when it happens.

    When the client leaves, the work ends at its next event.

    Raises:
        Exception: what ended the work before its first event.

    """
    live = Live(work)
    first = live.first()

    def lines() -> Iterator[str]:
        yield f"{json.dumps(first)}\n"
        yield from (f"{json.dumps(event)}\n" for event in live)

    response = Response(lines(), mimetype=LINES, headers=[UNBUFFERED])
    response.call_on_close(live.close)
    return response
