"""The queue for password hashing, the one expensive thing that a stranger can ask for.

Each worker hashes one password at a time, in a thread of lower priority. A request takes a place
in the queue before anything else is done for it, and is refused at once when there is none:

- A network (IPv4 /24, IPv6 /48) gets a place only while more places are free than it holds. Alone
  it fills half of them; whoever comes from elsewhere finds room, however many connections it has.
- Networks take turns, so a network that waits with many requests delays another by one hash.
- Known browsers have places of their own besides, and every other turn. A mark gives a place
  before the account is read, and loses it when it is not a mark of that account.
"""

from __future__ import annotations

import os
import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final, ParamSpec, TypeVar

from app.errors import Busy
from app.infra.audit import Client
from app.infra.networks import site

P = ParamSpec("P")
T = TypeVar("T")

# Each place holds one of the worker's 16 threads; the other four serve everything else.
OPEN_PLACES: Final = 8
KNOWN_PLACES: Final = 4
WAIT_SECONDS: Final = 3.0
RETRY_SECONDS: Final = 2
# A nicer thread is descheduled while it holds the interpreter's lock, which slows every other.
NICENESS: Final = 5

Job = tuple["Future[Any]", Callable[[], Any]]


@dataclass
class Place:
    """A place in the queue: the right to have hashes computed, one after the other."""

    queue: HashQueue
    known: bool
    client: Client

    def become_open(self) -> None:
        """Take an open place instead of one for known browsers.

        Raises:
            Busy: when no open place is free for the client; the place is still held then.

        """
        self.queue.become_open(self)

    def run(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what `job` returns, or raise what it raises, once it was this place's turn.

        Raises:
            Busy: when the turn did not come within `WAIT_SECONDS`.

        """
        return self.queue.run(self, lambda: job(*args, **kwargs))


class HashQueue:
    """The queue of one process. Nothing runs, and no thread exists, while nobody waits."""

    def __init__(self) -> None:
        """Begin empty."""
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._held: Counter[tuple[bool, str]] = Counter()
        self._waiting: dict[bool, OrderedDict[str, deque[Job]]] = {
            False: OrderedDict(),
            True: OrderedDict(),
        }
        self._known_turn = False
        self._working = False

    @contextmanager
    def place(self, client: Client, *, known: bool = False) -> Iterator[Place]:
        """Hold a place for `client`; `known` when it is a known browser.

        Raises:
            Busy: when none is free for it.

        """
        if self._pid != os.getpid():
            self._begin()  # a fork copies the places of threads that it does not copy
        place = Place(self, known, client)
        with self._lock:
            self._take(place)
        try:
            yield place
        finally:
            with self._lock:
                self._leave(place)

    def become_open(self, place: Place) -> None:
        """Exchange a place; `Place.become_open` is the public name."""
        with self._lock:
            self._leave(place)
            place.known = False
            try:
                self._take(place)
            except Busy:
                place.known = True
                self._held[True, site(place.client.ip)] += 1
                raise

    def _take(self, place: Place) -> None:
        holder = (place.known, site(place.client.ip))
        if self._held[holder] >= self._free(known=place.known):
            raise Busy(retry_after=RETRY_SECONDS)
        self._held[holder] += 1

    def _leave(self, place: Place) -> None:
        self._held[place.known, site(place.client.ip)] -= 1
        self._held += Counter()  # drops the zeros

    def _free(self, *, known: bool) -> int:
        held = self._held.total()
        if known:
            return OPEN_PLACES + KNOWN_PLACES - held
        strangers = sum(count for (is_known, _), count in self._held.items() if not is_known)
        return min(OPEN_PLACES - strangers, OPEN_PLACES + KNOWN_PLACES - held)

    def run(self, place: Place, job: Callable[[], T]) -> T:
        """Have `job` run in the turn of `place`; `Place.run` is the public name."""
        future: Future[T] = Future()
        whose = site(place.client.ip)
        with self._lock:
            self._waiting[place.known].setdefault(whose, deque()).append((future, job))
            if not self._working:
                threading.Thread(target=self._work, name="password-hashing", daemon=True).start()
                self._working = True
        try:
            return future.result(WAIT_SECONDS)
        except TimeoutError:
            if future.cancel():
                raise Busy(retry_after=RETRY_SECONDS) from None
        return future.result()  # its turn came at the last moment

    def _work(self) -> None:
        # Linux gives each thread a priority of its own. Elsewhere this fails, and hashes share
        # the priority of requests.
        with suppress(OSError):
            thread = threading.get_native_id()
            lower = os.getpriority(os.PRIO_PROCESS, thread) + NICENESS
            os.setpriority(os.PRIO_PROCESS, thread, lower)
        while turn := self._next_turn():
            future, job = turn
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(job())
            except BaseException as error:  # noqa: BLE001 - it is the caller's
                future.set_exception(error)

    def _next_turn(self) -> Job | None:
        with self._lock:
            self._known_turn = not self._known_turn
            for known in (self._known_turn, not self._known_turn):
                networks = self._waiting[known]
                if networks:
                    whose, jobs = networks.popitem(last=False)
                    turn = jobs.popleft()
                    if jobs:
                        networks[whose] = jobs  # behind the others
                    return turn
            self._working = False
            return None
