"""The trial of mutants: a pytest plugin that collects once and forks a process for each of them.

The process they are forked from has run no test but one, so no cache that the original filled
hides a mutant. A mutant meets the tests that call its function, first those that killed another
mutant of this function, then the quickest, and is killed by the first that fails. A survivor that
is known meets only the nearest of them: it counts as a survivor anyway, and most of the time of a
run would go to those.
"""

import gc
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.state import state

from tests.mutation.child import Child, first_to_end
from tests.mutation.generate import Breeder, Mutant, holders
from tests.support import processes

NO_MUTANT = ""
RECORD = "stats"  # mutmut's word: the trampolines note who is called
KILLED, SURVIVED, HUNG = "killed", "survived", "hung"
MAX_MEASURE = 3600.0
MAX_TRIAL = 600.0
MAX_WAIT = 10  # for what a mutant keeps from coming
MAX_TESTS_OF_ACCEPTED = 30


@dataclass(frozen=True)
class Calls:
    """What a test calls, and how many seconds it takes."""

    seconds: float
    functions: frozenset[str]

    def cost(self, module: str) -> float:
        """Rank first what is quick and about this module: it calls much of it, and little else."""
        within = sum(name.startswith(f"{module}.x") for name in self.functions)
        return self.seconds * (len(self.functions) / max(within, 0.1) ** 2) ** 2


@dataclass(eq=False)  # pytest wants a plugin hashable
class Trial:
    """Give every mutant that `wanted` accepts a verdict, and `report` each as it falls.

    `accepted` names the survivors that are known.
    """

    wanted: Callable[[Mutant], bool]
    accepted: Collection[str]
    report: Callable[[Mutant, str, str], None]
    jobs: int
    verdicts: dict[Mutant, str] = field(default_factory=dict)
    _kills: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    _failed: bool = False
    _valkey: pytest.FixtureDef[Any] | None = None
    _held: list[object] = field(default_factory=list)
    _of_fixture: dict[str, set[str]] = field(default_factory=dict)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Try the mutants instead of running the tests."""
        set_mutant_under_test(NO_MUTANT)
        processes.WAIT_SECONDS = MAX_WAIT
        # Migrates the database that the others copy.
        self._run(next(item for item in session.items if "sqlite" in item.name))
        gc.collect()
        gc.freeze()  # else the first collection of every child copies the whole heap
        calls = self._measured(session.items)
        items = sorted(session.items, key=lambda item: calls[item.nodeid].seconds)
        self._try_a_placebo(items)
        waiting = [mutant for mutant in Breeder.mutants if self.wanted(mutant)][::-1]
        working: dict[Child, Mutant] = {}
        while waiting or working:
            while waiting and len(working) < self.jobs:
                mutant = waiting.pop()
                tests = self._tests_of(mutant, items, calls)
                if str(mutant) in self.accepted:
                    tests = tests[:MAX_TESTS_OF_ACCEPTED]
                working[Child(self._trial_of(tests, mutant), MAX_TRIAL)] = mutant
            child = first_to_end(working)
            self._judge(working.pop(child), child.answer)
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a failure."""
        self._failed = self._failed or report.failed

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any]
    ) -> Generator[None, object, object]:
        """Note what a fixture of the session calls: all that ask for it depend on that."""
        before, state()._stats = state()._stats, set()  # noqa: SLF001 - mutmut's record of calls
        result = yield
        if fixturedef.argname == "valkey_server":
            self._valkey = fixturedef
        if fixturedef.scope == "session":
            self._of_fixture[fixturedef.argname] = set(state()._stats)  # noqa: SLF001
        state()._stats |= before  # noqa: SLF001
        return result

    def _measured(self, items: Sequence[pytest.Item]) -> dict[str, Calls]:
        child = first_to_end([Child(lambda: self._measure(items), MAX_MEASURE)])
        measured = json.loads(child.answer or '{"failed": "a test that never ended"}')
        if "failed" in measured:
            raise pytest.UsageError(f"fails without any mutant: {measured['failed']}")
        return {
            name: Calls(seconds, frozenset(hits)) for name, (seconds, hits) in measured.items()
        }

    def _measure(self, items: Sequence[pytest.Item]) -> str:
        set_mutant_under_test(RECORD)
        self._own_valkey()
        measured: dict[str, tuple[float, list[str]]] = {}
        for item in items:
            state()._stats.clear()  # noqa: SLF001
            began = time.monotonic()
            if self._fails(item):
                return json.dumps({"failed": item.nodeid})
            hits = set(state()._stats)  # noqa: SLF001
            hits.update(*(self._of_fixture.get(name, ()) for name in item.fixturenames))  # type: ignore[attr-defined]
            measured[item.nodeid] = (time.monotonic() - began, sorted(hits))
        return json.dumps(measured)

    def _try_a_placebo(self, items: Sequence[pytest.Item]) -> None:
        """See that in this order, in a child, the tests kill nothing that is not ill."""
        answer = first_to_end([Child(self._trial_of(items), MAX_MEASURE)]).answer
        if answer != SURVIVED:
            raise pytest.UsageError(f"fails without any mutant, in this order: {answer or 'hung'}")

    def _trial_of(
        self, tests: Sequence[pytest.Item], mutant: Mutant | None = None
    ) -> Callable[[], str]:
        """Return what a child does: its answer is the test that failed, or a verdict."""

        def trial() -> str:
            self._own_valkey()
            try:
                if mutant:
                    mutant.live()
                for item in tests:
                    if self._fails(item):
                        return item.nodeid
            except BaseException as error:  # noqa: BLE001 - whatever a mutant does to pytest itself
                return type(error).__name__
            finally:
                self._end_own_valkey()
            return SURVIVED

        return trial

    def _tests_of(
        self, mutant: Mutant, items: Sequence[pytest.Item], calls: dict[str, Calls]
    ) -> list[pytest.Item]:
        """List the tests that can notice it, all if nobody knows; the likeliest first."""

        def rank(item: pytest.Item) -> tuple[int, float]:
            kills = self._kills[mutant.module, mutant.where, item.nodeid]
            return -kills, calls[item.nodeid].cost(mutant.module)

        return sorted([i for i in items if _concerns(mutant, calls[i.nodeid])] or items, key=rank)

    def _judge(self, mutant: Mutant, answer: str) -> None:
        verdict = (KILLED if answer != SURVIVED else SURVIVED) if answer else HUNG
        self._kills[mutant.module, mutant.where, answer] += 1
        self.verdicts[mutant] = verdict
        self.report(mutant, verdict, answer if verdict == KILLED else "")

    def _fails(self, item: pytest.Item) -> bool:
        """Tell whether a test fails, twice: once may be a busy machine's doing."""
        for _ in range(2):
            self._failed = False
            self._run(item)
            if not self._failed:
                return False
        return True

    def _run(self, item: pytest.Item) -> None:
        # The session comes next, so all fixtures end but the session's own.
        item.ihook.pytest_runtest_protocol(item=item, nextitem=item.session)

    def _own_valkey(self) -> None:
        """Have this process start a Valkey of its own when a test asks for one."""
        if self._valkey:
            self._valkey.cached_result = None
            # What would end the parent's is held, so that nothing does.
            self._held = list(self._valkey._finalizers)  # noqa: SLF001 - pytest has no public way
            self._valkey._finalizers.clear()  # noqa: SLF001

    def _end_own_valkey(self) -> None:
        started = self._valkey and self._valkey.cached_result
        if started and started[0]:
            started[0].kill()


def _concerns(mutant: Mutant, calls: Calls) -> bool:
    """Tell whether a test can notice the mutant."""
    if mutant.function:
        return mutant.function in calls.functions
    value = getattr(sys.modules[mutant.module], mutant.where)
    users = {module.__name__ for module in holders(mutant.where, value)}
    if any(name.startswith("app.") and not Breeder.has(name) for name in users):
        return True  # nobody recorded which test calls that module
    return any(
        function.startswith(tuple(f"{name}.x" for name in users)) for function in calls.functions
    )
