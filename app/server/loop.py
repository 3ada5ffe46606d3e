"""The loop of a worker process: which connection is at what, and for how long at most.

Only whole requests reach the threads. Everything that waits for a client (the head, the body, the
rest of an answer, the next request) waits here, in one thread, with a deadline that no byte moves
and a bound on the number. gunicorn's own threaded worker reads in its threads: 40 unfinished
bodies stop it for as long as the attacker likes (slowloris, R-U-Dead-Yet).
"""

from __future__ import annotations

import os
import selectors
import socket
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from gunicorn.http.errors import ParseException

from app.server.early_refusals import RequestTooSlow, refuse
from app.server.groups import Group
from app.server.listeners import Listeners
from app.server.respond import Responder
from app.server.table import MAX_CONNECTIONS, READ, WRITE, ConnectionTable

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from app.server.connection import Connection

TICK_SECONDS: Final = 1.0
STOP_IDLE_SECONDS: Final = 2


class Server:
    """Serves the connections of one worker process."""

    def __init__(self, worker: Any) -> None:  # noqa: ANN401 - gunicorn.conf.py's Worker; it has no stub
        """Serve on the sockets of a gunicorn worker that has loaded the application."""
        self._worker = worker
        self._app: Final = cast("Flask", worker.wsgi)
        self._poller: Final = selectors.DefaultSelector()
        self._responder: Final = Responder(worker, self._is_last)
        self.table: Final = ConnectionTable(self._poller, worker.cfg.keepalive, self._ready)
        self._listeners: Final = Listeners(worker, self._poller, self._welcome)
        self._notify_at = 0.0

    def run(self) -> None:
        """Serve until the worker is told to stop; then finish what has begun."""
        self._poller.register(self._worker.PIPE[0], READ, self._collect)
        while self._worker.alive:
            self._tick()
        self._stop()
        self._responder.close()
        for connection in self.table.groups:
            connection.sock.close()
        self._poller.close()

    def _stop(self) -> None:
        """Accept no more, and answer what is sent on open connections meanwhile.

        A client that keeps its connection may be sending on it this moment. It has two seconds
        to do so and be told `Connection: close`; to close at once would lose the request.
        """
        self._listeners.leave()
        self.table.shorten_idle(STOP_IDLE_SECONDS)
        end = time.monotonic() + self._worker.cfg.graceful_timeout
        while self.table.groups and not self._worker.quits and time.monotonic() < end:
            self._tick()

    def _tick(self) -> None:
        now = time.monotonic()
        if now >= self._notify_at:
            self._notify_at = now + TICK_SECONDS
            self._worker.notify()
            if self._worker.ppid != os.getppid():
                self._worker.alive = False  # the master is gone; nobody replaces or stops us
        rests = self.table.pausing.due_in(now, TICK_SECONDS)
        if self._worker.alive:
            self._listeners.count(len(self.table.groups))
            listens = len(self.table.groups) < MAX_CONNECTIONS
            rests = min(rests, self._listeners.listen(on=listens) or rests)
        for key, events in self._poller.select(rests):
            key.data(events)
        for connection in self.table.expired():
            self._end(connection)

    def _welcome(self, connection: Connection) -> None:
        self._enter(connection, self.table.reading, READ)

    def _enter(self, connection: Connection, group: Group, events: int) -> None:
        surplus = self.table.enter(connection, group, events)
        if surplus is not None:
            self._end(surplus)

    def _ready(self, connection: Connection, _events: int) -> None:
        """Go on with a connection that the network is ready for."""
        group = self.table.groups.get(connection)
        if group is None:
            return  # it ended in this very round
        if group is self.table.working:
            self.table.watch(connection, 0)  # what it sends meanwhile, or its end, can wait
        elif group is self.table.sending:
            self._send(connection)
        else:
            self._read(connection, group)

    def _read(self, connection: Connection, group: Group) -> None:
        try:
            data = connection.sock.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.table.drop(connection)
        elif group is not self.table.closing:
            self._take(connection, partial(connection.feed, data))

    def _take(self, connection: Connection, feed: Callable[[], bool]) -> None:
        """Feed what has arrived; hand the request to a thread when it is whole."""
        try:
            whole = feed()
        except ParseException as error:
            self._refuse(connection, error)
        except OSError:
            self.table.drop(connection)  # the client is gone; gunicorn's NoMoreData is one, too
        except Exception:  # whatever the parser stumbles over, the other connections go on
            self._worker.log.exception("Error reading a request")
            self.table.drop(connection)
        else:
            if whole:
                self._enter(connection, self.table.working, connection.events)
                self._responder.submit(connection)
            elif connection.has_begun and self.table.groups[connection] is not self.table.reading:
                self._enter(connection, self.table.reading, READ)

    def _refuse(self, connection: Connection, error: ParseException) -> None:
        connection.replace_answer(refuse(self._app, connection.ip, error))
        self._send(connection)

    def _send(self, connection: Connection) -> None:
        try:
            connection.flush()
        except OSError:
            self.table.drop(connection)
            return
        if connection.unsent:
            if self.table.groups[connection] is not self.table.sending:
                self._enter(connection, self.table.sending, WRITE)
        else:
            self._sent(connection)

    def _sent(self, connection: Connection) -> None:
        """Wait for the next request, or close so that the answer is not lost.

        To close while something is unread resets the connection, and the client may lose the
        answer (RFC 9112 section 9.6): what still comes is read away.
        """
        if not connection.keep:
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_WR)
            self._enter(connection, self.table.closing, READ)
            return
        self._enter(connection, self.table.idle, READ)
        self._take(connection, connection.next_request)

    def _end(self, connection: Connection) -> None:
        """End a connection whose time is up, or that gives way to a newer one."""
        group = self.table.groups[connection]
        if group is self.table.idle:
            self._read(connection, group)  # the next request may have come this moment
            if self.table.groups.get(connection) is not self.table.idle:
                return
        if group is self.table.pausing:
            self._send(connection)
        elif group is self.table.reading and connection.has_begun:
            self._refuse(connection, RequestTooSlow())
        else:
            self.table.drop(connection)

    def _is_last(self) -> bool:
        """Tell whether a connection that is being answered now must be closed after it."""
        return not self._worker.alive or len(self.table.idle) >= self.table.idle.most

    def _collect(self, _events: int) -> None:
        """Go on with what the threads have answered.

        An answer with `Retry-After` waits here for `PAUSE_SECONDS`. Who asks again without
        heeding it gets four refusals a second on a connection, instead of as many as the
        processor can write: a flood of log-ins would slow everybody by its refusals alone.
        """
        for connection in self._responder.answered():
            if connection.pauses:
                self._enter(connection, self.table.pausing, 0)
            else:
                self._send(connection)
