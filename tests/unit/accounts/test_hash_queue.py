import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import pytest

from app.accounts import hash_queue
from app.accounts.hash_queue import KNOWN_PLACES, NICENESS, OPEN_PLACES, HashQueue
from app.errors import Busy
from app.infra.audit import Client
from tests.support.busy import filled
from tests.support.processes import wait_until

ATTACKER, HONEST = Client(ip="192.0.2.1"), Client(ip="198.51.100.7")


@pytest.fixture
def queue() -> HashQueue:
    return HashQueue()


@pytest.fixture
def held() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


class Line:
    """Requests that wait behind a hash that takes as long as the test needs."""

    def __init__(self, queue: HashQueue, pool: ThreadPoolExecutor) -> None:
        self.queue = queue
        self.pool = pool
        self.order: list[str] = []
        self.go_on = threading.Event()
        began = threading.Event()

        def slow() -> None:
            began.set()
            assert self.go_on.wait(60)

        self.first = pool.submit(self._hold, Client(ip="203.0.113.1"), slow, known=False)
        assert began.wait(60)

    def join(self, name: str, client: Client, *, known: bool = False) -> None:
        """Wait in line; `name` is written into `order` when its turn comes."""
        before = self._length()
        self.pool.submit(self._hold, client, lambda: self.order.append(name), known=known)
        wait_until(lambda: self._length() > before, what=f"{name} in the line")

    def _length(self) -> int:
        return sum(len(jobs) for line in self.queue._waiting.values() for jobs in line.values())  # noqa: SLF001 - to know that a thread waits

    def _hold(self, client: Client, job: Callable[[], None], *, known: bool) -> None:
        with self.queue.place(client, known=known) as place:
            place.run(job)

    def finish(self) -> list[str]:
        """Let the slow hash end; return the order of the others."""
        self.go_on.set()
        self.pool.shutdown()
        return self.order


@pytest.fixture
def line(queue: HashQueue, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    """A line that moves when `finish` is called."""
    monkeypatch.setattr(hash_queue, "WAIT_SECONDS", 60)
    with ThreadPoolExecutor(OPEN_PLACES + KNOWN_PLACES + 1) as pool:
        own = Line(queue, pool)
        yield own
        own.go_on.set()


def take(queue: HashQueue, held: ExitStack, client: Client, *, known: bool = False) -> int:
    """Take as many places as there are for a client; return how many they were."""
    for number in range(100):
        try:
            held.enter_context(queue.place(client, known=known))
        except Busy:
            return number
    raise AssertionError("there is no end of places")


# -- places --------------------------------------------------------------------------------


def test_one_network_leaves_places_for_others(queue: HashQueue, held: ExitStack) -> None:
    assert take(queue, held, ATTACKER) == OPEN_PLACES // 2
    assert take(queue, held, Client(ip="192.0.2.250")) == 0
    assert take(queue, held, HONEST) == OPEN_PLACES // 4
    with pytest.raises(Busy) as busy, queue.place(ATTACKER):
        pass
    assert busy.value.retry_after == hash_queue.RETRY_SECONDS


def test_an_ipv6_site_is_one_network(queue: HashQueue, held: ExitStack) -> None:
    """A customer usually gets a whole /48."""
    assert take(queue, held, Client(ip="2001:db8:1:2::1")) == OPEN_PLACES // 2
    assert take(queue, held, Client(ip="2001:db8:1:ffff::1")) == 0
    assert take(queue, held, Client(ip="2001:db8:2::1")) > 0


def test_known_browsers_have_places_of_their_own(queue: HashQueue, held: ExitStack) -> None:
    for number in range(200):
        take(queue, held, Client(ip=f"10.{number}.0.1"))
    assert take(queue, held, HONEST) == 0
    assert take(queue, held, HONEST, known=True) == KNOWN_PLACES // 2
    assert take(queue, held, Client(ip="10.0.0.1"), known=True) > 0


def test_a_known_place_becomes_an_open_one(queue: HashQueue, held: ExitStack) -> None:
    """The mark of the browser turned out to be another account's."""
    with queue.place(ATTACKER, known=True) as place:
        place.become_open()
        assert not place.known
        assert take(queue, held, ATTACKER) == OPEN_PLACES // 2 - 1
    held.close()
    assert take(queue, held, ATTACKER) == OPEN_PLACES // 2


def test_a_known_place_is_kept_where_no_open_one_is_free(
    queue: HashQueue, held: ExitStack
) -> None:
    for number in range(OPEN_PLACES):
        held.enter_context(queue.place(Client(ip=f"10.{number}.0.1")))
    for _ in range(2 * KNOWN_PLACES):
        with pytest.raises(Busy), queue.place(ATTACKER, known=True) as place:
            place.become_open()
    assert take(queue, held, HONEST, known=True) == KNOWN_PLACES // 2
    held.close()
    assert take(queue, held, ATTACKER) == OPEN_PLACES // 2


def test_places_are_given_back_also_by_requests_that_fail(queue: HashQueue) -> None:
    filled(queue).close()
    for _ in range(OPEN_PLACES):
        with pytest.raises(ZeroDivisionError), queue.place(ATTACKER) as place:
            place.run(lambda: 1 / 0)
    with ExitStack() as held:
        assert take(queue, held, ATTACKER) == OPEN_PLACES // 2
    assert not queue._held  # noqa: SLF001 - it would grow with every network there is


# -- turns ---------------------------------------------------------------------------------


def test_networks_take_turns(line: Line) -> None:
    for number in range(3):
        line.join(f"attacker {number}", ATTACKER)
    line.join("honest", HONEST)
    assert line.finish() == ["attacker 0", "honest", "attacker 1", "attacker 2"]


def test_known_browsers_have_every_other_turn(line: Line) -> None:
    for number in range(4):
        line.join(f"stranger {number}", Client(ip=f"10.{number}.0.1"))
    for number in range(2):
        line.join(f"known {number}", HONEST, known=True)
    order = line.finish()
    assert order[:4] in (
        ["known 0", "stranger 0", "known 1", "stranger 1"],
        ["stranger 0", "known 0", "stranger 1", "known 1"],
    )
    assert len(order) == 6


def test_one_hash_runs_at_a_time(queue: HashQueue) -> None:
    running, most = [0], [0]
    settled = threading.Event()

    def watched() -> None:
        running[0] += 1
        most[0] = max(most[0], running[0])
        settled.wait(0.01)
        running[0] -= 1

    def ask(number: int) -> None:
        with queue.place(Client(ip=f"10.{number}.0.1")) as place:
            place.run(watched)

    with ThreadPoolExecutor(OPEN_PLACES) as pool:
        list(pool.map(ask, range(OPEN_PLACES)))
    assert most == [1]


# -- what is asked for ---------------------------------------------------------------------


def test_a_job_gives_its_answer_or_its_error(queue: HashQueue) -> None:
    with queue.place(HONEST) as place:
        assert place.run(int, "7", base=8) == 7
        with pytest.raises(ZeroDivisionError):
            place.run(lambda: 1 / 0)
        assert place.run(threading.get_ident) != threading.get_ident()


def test_a_job_that_waits_too_long_is_refused_and_not_run_later(
    queue: HashQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hash_queue, "WAIT_SECONDS", 0.01)
    go_on, began, ran = threading.Event(), threading.Event(), list[int]()

    def slow() -> str:
        began.set()
        assert go_on.wait(60)
        return "done"

    with ThreadPoolExecutor(1) as pool, queue.place(ATTACKER) as first:
        running = pool.submit(first.run, slow)
        assert began.wait(60)
        with queue.place(HONEST) as place:
            with pytest.raises(Busy) as busy:
                place.run(ran.append, 1)
            assert busy.value.retry_after == hash_queue.RETRY_SECONDS
            go_on.set()
            assert running.result() == "done"
            monkeypatch.setattr(hash_queue, "WAIT_SECONDS", 60)
            place.run(ran.append, 2)
    assert ran == [2]


def test_a_job_that_runs_already_is_waited_for(
    queue: HashQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hash_queue, "WAIT_SECONDS", 0.1)

    def slow() -> str:
        time.sleep(0.5)
        return "done"

    done = ""
    while not done:
        with suppress(Busy), queue.place(HONEST) as place:  # a busy machine begins it too late
            done = place.run(slow)
    assert done == "done"


def test_hashes_have_a_lower_priority_than_requests(queue: HashQueue) -> None:

    def priority() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    own = priority()
    with queue.place(HONEST) as place:
        assert place.run(priority) == min(19, own + NICENESS)
    assert priority() == own


def test_no_thread_is_left_while_nobody_waits(queue: HashQueue) -> None:
    """A remaining thread would delay the end of a worker."""
    with queue.place(HONEST) as place:
        place.run(int)
        name = place.run(lambda: threading.current_thread().name)
    assert name == "password-hashing"
    wait_until(
        lambda: all(one.name != name for one in threading.enumerate()), what="the thread's end"
    )


def test_a_forked_process_begins_empty(queue: HashQueue) -> None:
    """The fork copies the held places but not the threads that would give them back."""
    with filled(queue):
        child = os.fork()
        if child == 0:
            try:
                with queue.place(HONEST) as place:
                    os._exit(place.run(int, "7"))
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        with pytest.raises(Busy), queue.place(HONEST):
            pass


def test_a_copy_in_another_process_counts_from_zero(
    queue: HashQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue._held[False, "192.0.2.0/24"] = 99  # noqa: SLF001 - as copied
    monkeypatch.setattr(queue, "_pid", 0)
    with queue.place(Client(ip="192.0.2.1")):
        assert sum(queue._held.values()) == 1  # noqa: SLF001 - what it counts
