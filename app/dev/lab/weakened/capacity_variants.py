"""Weakened variants of what keeps the server available to others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, ParamSpec, TypeVar

from app.accounts.hash_queue import OPEN_PLACES, HashQueue, Place
from app.dev.lab.weakened.variant import instead_of
from app.errors import Busy
from app.infra.audit import Client
from app.server.connection import Connection
from app.server.loop import Server

P = ParamSpec("P")
T = TypeVar("T")

free_places: Final = threading.BoundedSemaphore(OPEN_PLACES)


@instead_of("app/server/loop.py:Server._on_accept", "slow-requests")
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
    """Places go to whoever comes first, without a share for each network."""
    if not free_places.acquire(blocking=False):
        raise Busy(retry_after=2)
    try:
        yield Place(self, known=known, client=client)
    finally:
        free_places.release()


@instead_of("app/accounts/hash_queue.py:HashQueue.place", "hashing-floods")
@contextmanager
def everybody_hashes_at_once(
    self: HashQueue, client: Client, *, known: bool = False
) -> Iterator[Place]:
    """Every log-in hashes as soon as it arrives."""
    yield AtOnce(self, known, client)


class AtOnce(Place):
    """A place that does not queue: it hashes in the thread of the request."""

    def run(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what `job` returns."""
        return job(*args, **kwargs)


@instead_of("app/accounts/emails.py:MAX_TYPED", "costly-texts")
def an_address_may_have_any_length() -> int:
    """An address is normalized before its length is checked."""
    return 2**40


@instead_of("app/accounts/password_policy.py:MAX_CODE_POINTS", "costly-texts")
def a_password_is_normalised_first() -> int:
    """A password is normalized before its length is checked."""
    return 2**40


@instead_of("app/accounts/password_policy.py:MAX_PASSWORD_BYTES", "hashing-floods")
def a_password_may_have_any_length() -> int:
    """A password has a minimum length and no maximum."""
    return 2**40
