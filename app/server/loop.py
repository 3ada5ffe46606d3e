"""The event loop of a worker process; `gunicorn.conf.py` runs it.

Only complete requests reach the threads. One thread, this loop, waits for all clients: for the
head and body of a request, for the rest of a response to be read, and for the next request. Each
wait has a deadline, which received bytes do not extend, and a limit on the number of connections.
gunicorn's threaded worker reads in its threads instead: 40 incomplete bodies block it for as long
as an attacker likes (slowloris, R-U-Dead-Yet).
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

    def __init__(self, worker: Any) -> None:  # noqa: ANN401 - the Worker of gunicorn.conf.py
        """Use the sockets of a gunicorn worker that has loaded the application."""
        self._worker = worker
        self._app: Final = cast("Flask", worker.wsgi)
        self._poller: Final = selectors.DefaultSelector()
        self._responder: Final = Responder(worker, self._is_last)
        self.table: Final = ConnectionTable(self._poller, worker.cfg.keepalive, self._on_ready)
        self._listeners: Final = Listeners(worker, self._poller, self._on_accept)
        self._notify_at = 0.0

    def run(self) -> None:
        """Serve until a signal stops the worker; then answer the requests that have begun."""
        self._poller.register(self._worker.PIPE[0], READ, self._on_answered)
        while self._worker.alive:
            self._tick()
        self._stop()
        self._responder.close()
        for connection in self.table.groups:
            connection.sock.close()  # no more: a thread may be about to write into it
        self._poller.close()

    def _stop(self) -> None:
        """Stop accepting, and answer requests on open connections until they are closed.

        Closing an idle connection at once would lose a request that the client is just sending.
        It stays for two seconds, and a request in that time is answered with `Connection: close`.
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
                self._worker.alive = False  # the master has died, so nobody else stops this worker
        timeout = self.table.delayed.due_in(now, TICK_SECONDS)
        if self._worker.alive:
            self._listeners.count(len(self.table.groups))
            has_room = len(self.table.groups) < MAX_CONNECTIONS
            timeout = min(timeout, self._listeners.listen(on=has_room) or timeout)
        for key, events in self._poller.select(timeout):
            key.data(events)
        for connection in self.table.expired():
            self._end(connection)

    def _on_accept(self, connection: Connection) -> None:
        self._enter(connection, self.table.reading, READ)

    def _enter(self, connection: Connection, group: Group, events: int) -> None:
        surplus = self.table.enter(connection, group, events)
        if surplus is not None:
            self._end(surplus)

    def _on_ready(self, connection: Connection, _events: int) -> None:
        """Read from or write to a connection whose socket is ready."""
        group = self.table.groups.get(connection)
        if group is None:
            return  # it was ended earlier in this round
        if group is self.table.working:
            self.table.watch(connection, 0)  # read again when the response has been sent
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
            self._parse(connection, partial(connection.feed, data))

    def _parse(self, connection: Connection, feed: Callable[[], bool]) -> None:
        """Parse what has arrived; pass the request to a thread when it is complete."""
        try:
            complete = feed()
        except ParseException as error:
            self._refuse(connection, error)
        except OSError:
            self.table.drop(connection)  # the client has gone; gunicorn's NoMoreData is an OSError
        except Exception:  # a fault of the parser must not end the other connections
            self._worker.log.exception("Error reading a request")
            self.table.drop(connection)
        else:
            if complete:
                self._enter(connection, self.table.working, connection.events)
                self._responder.submit(connection)
            elif connection.has_begun and self.table.groups[connection] is not self.table.reading:
                self._enter(connection, self.table.reading, READ)

    def _refuse(self, connection: Connection, error: ParseException) -> None:
        connection.replace_response(refuse(self._app, connection.ip, error))
        self._send(connection)

    def _send(self, connection: Connection) -> None:
        try:
            connection.flush()
        except OSError:
            self.table.drop(connection)
            return
        is_sending = self.table.groups[connection] is self.table.sending
        if not connection.outgoing:
            self._sent(connection)
        elif connection.outgoing.has_progressed() or not is_sending:
            self._enter(connection, self.table.sending, WRITE)

    def _sent(self, connection: Connection) -> None:
        """Wait for the next request, or close the connection without losing the response.

        Closing a socket with unread input resets the connection, and the client may lose the
        response (RFC 9112 section 9.6). So only the sending side is closed, and input is ignored.
        """
        if not connection.keep:
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_WR)
            self._enter(connection, self.table.closing, READ)
            return
        self._enter(connection, self.table.idle, READ)
        self._parse(connection, connection.next_request)

    def _end(self, connection: Connection) -> None:
        """End a connection whose deadline has passed, or that gives way to a newer one."""
        group = self.table.groups[connection]
        if group is self.table.idle:
            self._read(connection, group)  # the next request may have arrived just now
            if self.table.groups.get(connection) is not self.table.idle:
                return
        if group is self.table.delayed:
            self._send(connection)
        elif group is self.table.reading and connection.has_begun:
            self._refuse(connection, RequestTooSlow())
        else:
            self.table.drop(connection)

    def _is_last(self) -> bool:
        """Return whether the response that is being written must close its connection."""
        return not self._worker.alive or len(self.table.idle) >= self.table.idle.max_size

    def _on_answered(self, _events: int) -> None:
        """Send the responses that the threads have written.

        A response with `Retry-After` is sent after `DELAY_SECONDS`, so that a client that ignores
        it gets four refusals a second; a flood of refusals would slow all other requests.
        """
        for connection in self._responder.answered():
            if connection.delayed:
                self._enter(connection, self.table.delayed, 0)
            else:
                self._send(connection)
