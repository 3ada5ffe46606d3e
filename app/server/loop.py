"""The loop of a worker process: which connection is at what, and for how long at most.

Only whole requests reach the threads. Everything that waits for a client (the head, the body, the
rest of an answer, the next request) waits here, in one thread, with a deadline that no byte moves
and a bound on the number. gunicorn's own threaded worker reads in its threads: 40 unfinished
bodies stop it for as long as the attacker likes (slowloris, R-U-Dead-Yet).
"""

from __future__ import annotations

import math
import os
import selectors
import socket
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from gunicorn.http.errors import ParseException

from app.server.groups import Group
from app.server.listeners import Listeners
from app.server.refusals import RequestTooSlow, refuse
from app.server.respond import respond

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from app.server.connection import Connection

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
TICK_SECONDS: Final = 1.0
READ_SECONDS: Final = 15
SEND_SECONDS: Final = 15
CLOSE_SECONDS: Final = 2
PAUSE_SECONDS: Final = 0.25  # before an answer that says when to ask again: see `_collect`
STOP_IDLE_SECONDS: Final = 2
MAX_READING: Final = 256
MAX_IDLE: Final = 256
MAX_SENDING: Final = 128
MAX_CLOSING: Final = 128
MAX_PAUSING: Final = 256
MAX_CONNECTIONS: Final = 800  # under the 1,024 open files that systems allow by default


class Server:
    """Serves the connections of one worker process."""

    def __init__(self, worker: Any) -> None:  # noqa: ANN401 - gunicorn.conf.py's Worker; it has no stub
        """Serve on the sockets of a gunicorn worker that has loaded the application."""
        self._worker = worker
        self._app: Final = cast("Flask", worker.wsgi)
        self._poller: Final = selectors.DefaultSelector()
        self._pool: Final = ThreadPoolExecutor(worker.cfg.threads)
        self._reading: Final = Group(READ_SECONDS, MAX_READING)
        self._idle: Final = Group(worker.cfg.keepalive, MAX_IDLE)
        self._sending: Final = Group(SEND_SECONDS, MAX_SENDING)
        self._closing: Final = Group(CLOSE_SECONDS, MAX_CLOSING)
        self._pausing: Final = Group(PAUSE_SECONDS, MAX_PAUSING)
        self._working: Final = Group(math.inf, MAX_CONNECTIONS)
        self._groups: Final[dict[Connection, Group]] = {}
        self._answered: Final[deque[Connection]] = deque()
        self._listeners: Final = Listeners(worker, self._poller, self._welcome)
        self._notify_at = 0.0

    def run(self) -> None:
        """Serve until the worker is told to stop; then finish what has begun."""
        self._poller.register(self._worker.PIPE[0], READ, self._collect)
        while self._worker.alive:
            self._tick()
        self._stop()
        self._pool.shutdown(wait=False, cancel_futures=True)
        for connection in self._groups:
            connection.sock.close()
        self._poller.close()

    def _stop(self) -> None:
        """Accept no more, and answer what is sent on open connections meanwhile.

        A client that keeps its connection may be sending on it this moment. It has two seconds
        to do so and be told `Connection: close`; to close at once would lose the request.
        """
        self._listeners.leave()
        now = time.monotonic()
        self._idle.seconds = STOP_IDLE_SECONDS
        self._idle.shorten(now + STOP_IDLE_SECONDS)
        for connection in self._reading:
            if not connection.has_begun:
                connection.deadline = min(connection.deadline, now + STOP_IDLE_SECONDS)
        end = now + self._worker.cfg.graceful_timeout
        while self._groups and not self._worker.quits and time.monotonic() < end:
            self._tick()

    def _tick(self) -> None:
        now = time.monotonic()
        if now >= self._notify_at:
            self._notify_at = now + TICK_SECONDS
            self._worker.notify()
            if self._worker.ppid != os.getppid():
                self._worker.alive = False  # the master is gone; nobody replaces or stops us
        rests = self._pausing.due_in(now, TICK_SECONDS)
        if self._worker.alive:
            self._listeners.count(len(self._groups))
            listens = len(self._groups) < MAX_CONNECTIONS
            rests = min(rests, self._listeners.listen(on=listens) or rests)
        for key, events in self._poller.select(rests):
            key.data(events)
        self._expire()

    # -- one connection -----------------------------------------------------------------------

    def _welcome(self, connection: Connection) -> None:
        self._enter(connection, self._reading, READ)

    def _enter(self, connection: Connection, group: Group, events: int) -> None:
        """Move a connection into a group, and watch it for `events`."""
        former = self._groups.pop(connection, None)
        if former is not None:
            del former[connection]
        group[connection] = None
        self._groups[connection] = group
        connection.deadline = time.monotonic() + group.seconds
        self._watch(connection, events)
        surplus = group.surplus()
        if surplus is not None:
            self._end(surplus)

    def _watch(self, connection: Connection, events: int) -> None:
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

    def _ready(self, connection: Connection, _events: int) -> None:
        """Go on with a connection that the network is ready for."""
        group = self._groups.get(connection)
        if group is None:
            return  # it ended in this very round
        if group is self._working:
            self._watch(connection, 0)  # what it sends meanwhile, or its end, can wait
        elif group is self._sending:
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
            self._drop(connection)
        elif group is not self._closing:
            self._take(connection, partial(connection.feed, data))

    def _take(self, connection: Connection, feed: Callable[[], bool]) -> None:
        """Feed what has arrived; hand the request to a thread when it is whole."""
        try:
            whole = feed()
        except ParseException as error:
            self._refuse(connection, error)
        except OSError:
            self._drop(connection)  # the client is gone; gunicorn's NoMoreData is one, too
        except Exception:  # whatever the parser stumbles over, the other connections go on
            self._worker.log.exception("Error reading a request")
            self._drop(connection)
        else:
            if whole:
                self._enter(connection, self._working, connection.events)
                self._pool.submit(self._work, connection)
            elif connection.has_begun and self._groups[connection] is not self._reading:
                self._enter(connection, self._reading, READ)

    def _refuse(self, connection: Connection, error: ParseException) -> None:
        connection.replace_answer(refuse(self._app, connection.ip, error))
        self._send(connection)

    def _send(self, connection: Connection) -> None:
        try:
            connection.flush()
        except OSError:
            self._drop(connection)
            return
        if connection.unsent:
            if self._groups[connection] is not self._sending:
                self._enter(connection, self._sending, WRITE)
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
            self._enter(connection, self._closing, READ)
            return
        self._enter(connection, self._idle, READ)
        self._take(connection, connection.next_request)

    def _drop(self, connection: Connection) -> None:
        self._watch(connection, 0)
        del self._groups.pop(connection)[connection]
        connection.sock.close()

    # -- time ---------------------------------------------------------------------------------

    def _expire(self) -> None:
        now = time.monotonic()
        for group in (self._reading, self._idle, self._sending, self._closing, self._pausing):
            while group and (oldest := next(iter(group))).deadline <= now:
                self._end(oldest)

    def _end(self, connection: Connection) -> None:
        """End a connection whose time is up, or that gives way to a newer one."""
        group = self._groups[connection]
        if group is self._idle:
            self._read(connection, group)  # the next request may have come this moment
            if self._groups.get(connection) is not self._idle:
                return
        if group is self._pausing:
            self._send(connection)
        elif group is self._reading and connection.has_begun:
            self._refuse(connection, RequestTooSlow())
        else:
            self._drop(connection)

    # -- the threads --------------------------------------------------------------------------

    def _work(self, connection: Connection) -> None:
        """Answer a request. Called in a thread, which waits for no client."""
        worker = self._worker
        worker.nr += 1
        if worker.nr >= worker.max_requests:
            worker.alive = False
        try:
            respond(worker, connection, self._is_last)
        finally:
            self._answered.append(connection)
            with suppress(BlockingIOError):
                os.write(worker.PIPE[1], b"1")

    def _is_last(self) -> bool:
        """Tell whether a connection that is being answered now must be closed after it."""
        return not self._worker.alive or len(self._idle) >= self._idle.most

    def _collect(self, _events: int) -> None:
        """Go on with what the threads have answered.

        An answer with `Retry-After` waits here for `PAUSE_SECONDS`. Who asks again without
        heeding it gets four refusals a second on a connection, instead of as many as the
        processor can write: a flood of log-ins would slow everybody by its refusals alone.
        """
        os.read(self._worker.PIPE[0], 4096)
        while self._answered:
            connection = self._answered.popleft()
            if connection.pauses:
                self._enter(connection, self._pausing, 0)
            else:
                self._send(connection)
