"""Weakened variants of what keeps the server available to others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from app.accounts.hash_queue import OPEN_PLACES, HashQueue, Place
from app.dev.lab.weakened.variant import instead_of
from app.errors import Busy
from app.infra.audit import Client
from app.server.connection import Connection
from app.server.loop import Server

free_places: Final = threading.BoundedSemaphore(OPEN_PLACES)


@instead_of("app/server/loop.py:Server._welcome", "slow-requests")
def a_thread_waits_for_each_client(self: Server, connection: Connection) -> None:
    """A thread takes each connection and reads until the request is whole."""

    def read() -> None:
        connection.sock.settimeout(None)
        while data := connection.sock.recv(65536):
            if connection.feed(data):
                connection.sock.settimeout(0)
                self._responder._work(connection)
                return

    self._enter(connection, self.table.working, 0)
    self._responder._pool.submit(read)


@instead_of("app/accounts/hash_queue.py:HashQueue.place", "log-in-starvation")
@contextmanager
def whoever_comes_first_has_a_place(
    self: HashQueue, client: Client, *, known: bool = False
) -> Iterator[Place]:
    """Whoever comes first has a place, and may have them all."""
    if not free_places.acquire(blocking=False):
        raise Busy(retry_after=2)
    try:
        yield Place(self, known=known, client=client)
    finally:
        free_places.release()
