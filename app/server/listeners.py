"""Accept connections from the sockets that all workers share; `loop` calls this."""

from __future__ import annotations

import time
from functools import partial
from selectors import EVENT_READ, BaseSelector
from typing import TYPE_CHECKING, Any, Final

from app.server.connection import Connection
from app.services import NAME, Services

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

# How long a worker with more connections than another waits, so that the other can accept first.
YIELD_SECONDS: Final = 0.001
FAULT_SECONDS: Final = 1.0
# The entry in `loads` of a worker that accepts no connections; more than any worker has.
ABSENT: Final = 2**31 - 1


class Listeners:
    """The listening sockets of a worker. It accepts less eagerly than workers with fewer clients.

    The master owns the sockets, so that connections that wait in them survive the end of a
    worker. Because they are shared, the worker that wakes first could accept all connections of a
    burst, and would keep them while other processors are idle.
    """

    def __init__(
        self,
        worker: Any,  # noqa: ANN401 - gunicorn has no stubs
        poller: BaseSelector,
        on_accept: Callable[[Connection], None],
    ) -> None:
        """Pass each accepted connection to `on_accept`. Nothing is accepted before `listen`."""
        self._worker, self._poller, self._on_accept = worker, poller, on_accept
        self._count = 0
        self._on = False
        self._paused_until = 0.0
        self._has_yielded = False
        services: Services = worker.wsgi.extensions[NAME]
        self._max_body_bytes: Final = services.settings.max_body_bytes

    def listen(self, *, on: bool) -> float:
        """Start or stop accepting; return the seconds for which accepting is paused, or 0."""
        pause = self._paused_until - time.monotonic()
        on = on and pause <= 0
        if on != self._on:
            self._on = on
            for listener in self._worker.sockets:
                if on:
                    self._poller.register(listener, EVENT_READ, partial(self._accept, listener))
                else:
                    self._poller.unregister(listener)
        return max(pause, 0.0)

    def count(self, connections: int) -> None:
        """Publish the number of this worker's connections to the other workers."""
        self._count = connections
        self._worker.loads[self._worker.place] = connections

    def leave(self) -> None:
        """Stop accepting for good, so that no other worker waits for this one to accept."""
        self.listen(on=False)
        self._worker.loads[self._worker.place] = ABSENT

    def _accept(self, listener: socket.socket, _events: int) -> None:
        if not self._has_yielded and self._count > min(self._worker.loads) + 1:
            self._has_yielded = True
            self._pause(YIELD_SECONDS)
            return
        self._has_yielded = False
        try:
            sock, client = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return  # another worker was faster, or the client has closed the connection
        except OSError as fault:
            self._worker.log.warning("Cannot accept connections: %s", fault.strerror)
            self._pause(FAULT_SECONDS)
            return
        self._on_accept(Connection(sock, client, self._worker.cfg, self._max_body_bytes))

    def _pause(self, seconds: float) -> None:
        self._paused_until = time.monotonic() + seconds
        self.listen(on=False)
