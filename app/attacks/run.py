"""Running one attack of the catalogue, and its verdict."""

from __future__ import annotations

import time
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Literal

from app.attacks.attacked_account import Account
from app.attacks.context import AttackContext
from app.attacks.obstacles import Inconclusive, Missing
from app.attacks.record import Record
from app.attacks.registry import ATTACKS
from app.attacks.target import Target

Verdict = Literal["held", "got_through", "inconclusive", "skipped"]


@dataclass(frozen=True)
class Run:
    """One run: the verdict, the record, and why it is `inconclusive` or `skipped`.

    `inconclusive` proves nothing: the attack could not be carried out. `skipped` needs something
    that was not given. `seconds` is the duration.
    """

    slug: str
    verdict: Verdict
    record: Record
    seconds: float
    why: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the run as plain data."""
        return {
            "slug": self.slug,
            "verdict": self.verdict,
            "why": self.why,
            "seconds": round(self.seconds, 3),
            **self.record.as_json(),
        }


def run(slug: str, target: Target, account: Account, record: Record | None = None) -> Run:
    """Attack `account` at `target` as the entry `slug` describes.

    Whoever wants the steps as they happen brings a `record`.
    """
    record, began = record or Record(), time.monotonic()
    stopped, why = _stopped(slug, AttackContext(target, account, record=record))
    return Run(slug, _verdict(record, stopped), record, time.monotonic() - began, why)


def _stopped(slug: str, context: AttackContext) -> tuple[Verdict | None, str]:
    """Carry out the attack; return the verdict and the reason when it stops before its end."""
    try:
        ATTACKS[slug](context)
    except Missing as missing:
        return "skipped", str(missing)
    except (Inconclusive, OSError, HTTPException) as error:
        return "inconclusive", str(error) or type(error).__name__
    return None, ""


def _verdict(record: Record, stopped: Verdict | None) -> Verdict:
    # A defense that fell before the attack stopped has fallen, and may be why it stopped.
    if not all(finding.held for finding in record.findings):
        return "got_through"
    return stopped or ("held" if record.held else "got_through")
