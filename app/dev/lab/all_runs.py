"""Every attack on both sides at once, within what one machine can do.

Attacks on this server run one after the other, because they would use up each other's limits and
disturb each other's times. The weakened instances have nothing in common, so several run beside
them. Each is forked from a process that has imported the application.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle
from typing import Final

from app.attacks.attacked_account import Account
from app.attacks.registry import ATTACKS
from app.attacks.throwaway_accounts import throwaways
from app.dev.lab.forked_instance import ForkedInstance
from app.dev.lab.live import Report
from app.dev.lab.run_store import RunStore
from app.dev.lab.sides import Sides
from app.dev.lab.weakened import variants_of
from app.dev.lab.whole_runs import alone
from config import Settings

# Those that mostly wait begin first, so that nothing waits for them at the end.
SLOWEST: Final = (
    "slow-requests",
    "costly-texts",
    "hashing-floods",
    "log-in-starvation",
    "password-spraying",
)
# An account may log in so often and no more, so the attacks take turns with several.
ACCOUNTS: Final = 8
# Those that log in so often that even the uses of a few others would be too many.
OWN_ACCOUNT: Final = frozenset({"log-in-starvation"})
LANES: Final = os.cpu_count() or 1


@dataclass(frozen=True)
class AllRuns:
    """Every attack of the catalogue, on this server and without its defense."""

    settings: Settings
    store: RunStore

    def __call__(self, report: Report) -> None:
        """Report the verdict of each attack on each side, as it comes.

        Raises:
            LabBusy: when another attack runs.
            Refusal, SQLAlchemyError: when a throwaway account cannot be opened.

        """
        with alone(self.store):
            report({"attacks": len(ATTACKS)})
            with (
                throwaways(self.settings, ACCOUNTS) as accounts,
                ThreadPoolExecutor(1) as one,
                ThreadPoolExecutor(LANES) as many,
            ):
                by_time = sorted(ATTACKS, key=slowest_first)
                runs = [
                    *(
                        one.submit(self._here, report, *pair)
                        for pair in zip(ATTACKS, cycle(accounts), strict=False)
                    ),
                    *(many.submit(self._weakened, report, slug) for slug in by_time),
                ]
                try:
                    for run in runs:
                        run.result()
                finally:
                    for run in runs:
                        run.cancel()  # those that have not begun, when one breaks off
            report({"done": True})

    def _here(self, report: Report, slug: str, account: Account) -> None:
        shared = None if slug in OWN_ACCOUNT else account
        done = Sides(slug, self.settings).here(shared)
        report({"slug": slug, "side": "here", "verdict": done.verdict, "why": done.why})

    def _weakened(self, report: Report, slug: str) -> None:
        variant = variants_of(slug)[0].name
        done = Sides(slug, self.settings).weakened(variant, ForkedInstance)
        report({"slug": slug, "side": "weakened", "verdict": done.verdict, "why": done.why})


def slowest_first(slug: str) -> int:
    """Return a key to sort by: the slowest first, the others in their order."""
    return SLOWEST.index(slug) if slug in SLOWEST else len(SLOWEST)
