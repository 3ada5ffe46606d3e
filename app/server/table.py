"""The table of a worker's connections: the state of each, and its deadline. `loop` uses it."""

from __future__ import annotations

import math
import selectors
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from app.server.connection import Connection
from app.server.groups import Group

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
READ_SECONDS: Final = 15
SEND_SECONDS: Final = 15  # for each `PROGRESS_BYTES`
CLOSE_SECONDS: Final = 2
DELAY_SECONDS: Final = 0.25  # before a response with `Retry-After` is sent, see `Server`
MAX_READING: Final = 256
MAX_IDLE: Final = 256
MAX_SENDING: Final = 128
MAX_CLOSING: Final = 128
MAX_DELAYED: Final = 256
MAX_CONNECTIONS: Final = 800  # below 1,024, the default limit of open files on many systems


class ConnectionTable:
    """The connections of a worker, each in one group, whose socket a selector watches."""

    def __init__(
        self,
        poller: selectors.BaseSelector,
        keepalive: float,
        ready: Callable[[Connection, int], Any],
    ) -> None:
        """Call `ready` when `poller` finds a socket ready.

        An idle connection is closed after `keepalive` seconds.
        """
        self._poller: Final = poller
        self._ready: Final = ready
        self.groups: Final[dict[Connection, Group]] = {}
        self.reading: Final = Group(READ_SECONDS, MAX_READING)
        self.idle: Final = Group(keepalive, MAX_IDLE)
        self.sending: Final = Group(SEND_SECONDS, MAX_SENDING)
        self.closing: Final = Group(CLOSE_SECONDS, MAX_CLOSING)
        self.delayed: Final = Group(DELAY_SECONDS, MAX_DELAYED)
        self.working: Final = Group(math.inf, MAX_CONNECTIONS)

    def enter(self, connection: Connection, group: Group, events: int) -> Connection | None:
        """Move a connection into `group`, set its deadline, and watch its socket for `events`.

        Returns the connection that must be ended because the group is too large, or None.
        """
        former = self.groups.pop(connection, None)
        if former is not None:
            del former[connection]
        group[connection] = None
        self.groups[connection] = group
        connection.deadline = time.monotonic() + group.seconds
        self.watch(connection, events)
        return group.surplus()

    def watch(self, connection: Connection, events: int) -> None:
        """Watch the socket of a connection for `events` of the selector; 0 means none."""
        if connection.events == events:
            return
        if not connection.events:
            ready = partial(self._ready, connection)
            self._poller.register(connection.sock, events, ready)
        elif not events:
            self._poller.unregister(connection.sock)
        else:
            ready = self._poller.get_key(connection.sock).data
            self._poller.modify(connection.sock, events, ready)
        connection.events = events

    def drop(self, connection: Connection) -> None:
        """Close a connection and remove it from the table."""
        self.watch(connection, 0)
        del self.groups.pop(connection)[connection]
        connection.close()

    def expired(self) -> Iterator[Connection]:
        """Yield each connection whose deadline has passed; the caller moves or drops it."""
        now = time.monotonic()
        for group in (self.reading, self.idle, self.sending, self.closing, self.delayed):
            while group and (oldest := next(iter(group))).deadline <= now:
                yield oldest

    def shorten_idle(self, seconds: float) -> None:
        """Close connections without a request after at most `seconds`."""
        deadline = time.monotonic() + seconds
        self.idle.seconds = seconds
        self.idle.shorten(deadline)
        for connection in self.reading:
            if not connection.has_begun:
                connection.deadline = min(connection.deadline, deadline)
