"""Runs of an attack on both sides, as work that reports its events."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import ClassVar, Final

from app.dev.lab.finished_runs import FinishedRuns
from app.dev.lab.live import Report
from app.dev.lab.run_store import RunStore
from app.dev.lab.sides import Sides, as_event
from app.errors import Refusal
from config import Settings

RETRY_SECONDS: Final = 5


class LabBusy(Refusal):
    """Another attack runs; two would use up each other's limits."""

    status = 409
    code: ClassVar[str] = "lab_busy"
    title: ClassVar[str] = "Another attack is running"
    detail = "Another attack is running."


@contextmanager
def alone(store: RunStore) -> Iterator[None]:
    """Keep other attacks waiting meanwhile.

    Raises:
        LabBusy: when another attack runs.

    """
    with store.alone() as is_alone:
        if not is_alone:
            raise LabBusy(retry_after=RETRY_SECONDS)
        yield


@dataclass(frozen=True)
class WholeRun:
    """One attack on this server, and on an instance with `variant`."""

    slug: str
    variant: str
    settings: Settings
    store: RunStore
    finished: FinishedRuns

    def __call__(self, report: Report) -> None:
        """Report each step with its side and place, the end of each side, and the run's id.

        Raises:
            LabBusy: when another attack runs.
            Refusal, SQLAlchemyError: when a throwaway account cannot be opened.

        """
        with alone(self.store):
            report({"slug": self.slug, "variant": self.variant})
            sides = Sides(
                self.slug,
                self.settings,
                lambda side, at, step: report({"side": side, "at": at, "step": asdict(step)}),
            )
            here = sides.here()
            report(as_event("here", here))
            weakened = sides.weakened(self.variant)
            report(as_event("weakened", weakened))
        whole = {
            "slug": self.slug,
            "variant": self.variant,
            "here": here.as_json(),
            "weakened": weakened.as_json(),
        }
        report({"run": self.finished.keep(whole, sides.credentials)})
