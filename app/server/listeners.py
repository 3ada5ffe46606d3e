"""Accepting connections from the socket that all workers share."""

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

# A worker that is ahead of another leaves it this time to accept what waits.
COURTESY_SECONDS: Final = 0.001
FAULT_SECONDS: Final = 1.0
ABSENT: Final = 2**31 - 1


class Listeners:
    """The listening sockets of a worker, which accepts when it is not ahead of the others.

    The master holds the sockets, so that a worker that ends loses no connection that waits in
    them. The price of a shared socket: the worker that wakes first could take every connection
    of a burst and keep them, and half of the machine would be idle.
    """

    def __init__(
        self,
        worker: Any,  # noqa: ANN401 - it has no stub
        poller: BaseSelector,
        welcome: Callable[[Connection], None],
    ) -> None:
        """Pass each accepted connection to `welcome`. Nothing is accepted yet."""
        self._worker, self._poller, self._welcome = worker, poller, welcome
        self._count = 0
        self._on = False
        self._rests_until = 0.0
        self._waited = False
        services: Services = worker.wsgi.extensions[NAME]
        self._max_body_bytes: Final = services.settings.max_body_bytes

    def listen(self, *, on: bool) -> float:
        """Accept from now on, or no more; return for how many seconds accepting rests."""
        rests = self._rests_until - time.monotonic()
        on = on and rests <= 0
        if on != self._on:
            self._on = on
            for listener in self._worker.sockets:
                if on:
                    self._poller.register(listener, EVENT_READ, partial(self._accept, listener))
                else:
                    self._poller.unregister(listener)
        return max(rests, 0.0)

    def count(self, connections: int) -> None:
        """Tell the other workers how many connections this one has."""
        self._count = connections
        self._worker.loads[self._worker.place] = connections

    def leave(self) -> None:
        """Accept no more, and have no other worker wait for this one."""
        self.listen(on=False)
        self._worker.loads[self._worker.place] = ABSENT

    def _accept(self, listener: socket.socket, _events: int) -> None:
        if not self._waited and self._count > min(self._worker.loads) + 1:
            self._waited = True
            self._rest(COURTESY_SECONDS)
            return
        self._waited = False
        try:
            sock, client = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return  # another worker was faster, or the client is gone
        except OSError as fault:
            self._worker.log.warning("Cannot accept connections: %s", fault.strerror)
            self._rest(FAULT_SECONDS)
            return
        self._welcome(Connection(sock, client, self._worker.cfg, self._max_body_bytes))

    def _rest(self, seconds: float) -> None:
        self._rests_until = time.monotonic() + seconds
        self.listen(on=False)
