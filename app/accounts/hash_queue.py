"""The queue for password hashing, the most expensive work that a request without a log-in causes.

`password_login` takes a place here for each attempt. Each worker process hashes one password at a
time, in a thread of lower priority. A request takes a place before any other work is done for it,
and is refused at once when there is none, so that a flood of log-ins cannot block the server:

- A network (IPv4 /24, IPv6 /48) gets a place only while more places are free than it holds. A
  single network therefore takes at most half of the places, however many connections it opens,
  and clients of other networks still find one.
- Networks take turns, so the many requests of one network delay another network by one hash.
- Known browsers have additional places, and every other turn. A valid mark is enough to get such
  a place before the account is read; when the mark is of another account, the place is exchanged
  for an ordinary one.
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

# Each place occupies one of the worker's 16 threads; the other four serve all other requests.
OPEN_PLACES: Final = 8
KNOWN_PLACES: Final = 4
WAIT_SECONDS: Final = 3.0
RETRY_SECONDS: Final = 2
# Added to the nice value of the hashing thread. With more, the kernel may suspend the thread
# while it holds the interpreter's lock, which delays all other threads.
NICENESS: Final = 5

Job = tuple["Future[Any]", Callable[[], Any]]


@dataclass
class Place:
    """A place in the queue: its holder may have hashes computed, one after the other."""

    queue: HashQueue
    known: bool
    client: Client

    def become_open(self) -> None:
        """Exchange this place for one of those that are open to every client.

        Raises:
            Busy: when no open place is free for the client. The old place is still held then.

        """
        self.queue.become_open(self)

    def run(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Wait for this place's turn, run `job` in the hashing thread and return its result.

        Raises:
            Busy: when the turn did not come within `WAIT_SECONDS`; `job` has not run then.
            Exception: whatever `job` raises.

        """
        return self.queue.run(self, lambda: job(*args, **kwargs))


class HashQueue:
    """The queue of one process. Its thread runs only while a job waits. Thread-safe."""

    def __init__(self) -> None:
        """Start with all places free."""
        self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        # The places held, by (place for known browsers, network).
        self._held: Counter[tuple[bool, str]] = Counter()
        # The waiting jobs of each network, for known browsers and for others; the next network
        # comes first.
        self._waiting: dict[bool, OrderedDict[str, deque[Job]]] = {
            False: OrderedDict(),
            True: OrderedDict(),
        }
        self._known_turn = False  # whether the last turn was one for known browsers
        self._working = False

    @contextmanager
    def place(self, client: Client, *, known: bool = False) -> Iterator[Place]:
        """Hold a place for `client` inside the `with` block.

        A client with a mark (`known`) may use the places for known browsers as well.

        Raises:
            Busy: when no place is free for the client's network.

        """
        if self._pid != os.getpid():
            self._reset()  # a fork copies the taken places, but not the threads that hold them
        place = Place(self, known, client)
        with self._lock:
            self._take(place)
        try:
            yield place
        finally:
            with self._lock:
                self._leave(place)

    def become_open(self, place: Place) -> None:
        """Exchange `place` for an open one; callers use `Place.become_open`."""
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
        self._held += Counter()  # removes the networks that hold no place

    def _free(self, *, known: bool) -> int:
        held = self._held.total()
        if known:
            return OPEN_PLACES + KNOWN_PLACES - held
        held_open = sum(count for (is_known, _), count in self._held.items() if not is_known)
        return min(OPEN_PLACES - held_open, OPEN_PLACES + KNOWN_PLACES - held)

    def run(self, place: Place, job: Callable[[], T]) -> T:
        """Run `job` in the turn of `place`; callers use `Place.run`."""
        future: Future[T] = Future()
        network = site(place.client.ip)
        with self._lock:
            self._waiting[place.known].setdefault(network, deque()).append((future, job))
            if not self._working:
                threading.Thread(target=self._work, name="password-hashing", daemon=True).start()
                self._working = True
        try:
            return future.result(WAIT_SECONDS)
        except TimeoutError:
            if future.cancel():
                raise Busy(retry_after=RETRY_SECONDS) from None
        return future.result()  # it was not cancelled, because it has just begun to run

    def _work(self) -> None:
        # On Linux each thread has its own priority. Elsewhere this fails, and hashing has the
        # priority of requests.
        with suppress(OSError):
            thread = threading.get_native_id()
            nice = os.getpriority(os.PRIO_PROCESS, thread) + NICENESS
            os.setpriority(os.PRIO_PROCESS, thread, nice)
        while next_job := self._next_job():
            future, job = next_job
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(job())
            except BaseException as error:  # noqa: BLE001 - raised in the thread that waits
                future.set_exception(error)

    def _next_job(self) -> Job | None:
        with self._lock:
            self._known_turn = not self._known_turn
            for known in (self._known_turn, not self._known_turn):
                networks = self._waiting[known]
                if networks:
                    network, jobs = networks.popitem(last=False)
                    job = jobs.popleft()
                    if jobs:
                        networks[network] = jobs  # now the last in line
                    return job
            self._working = False
            return None
