"""The record of one run: its steps, its refresh tokens, and the credentials it was given."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from app.attacks.lineage import Lineage
from app.attacks.steps import Exchange, Finding, Said


@dataclass
class Record:
    """Everything one run leaves behind; several threads may add to it."""

    steps: list[Said | Exchange | Finding] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set, repr=False)
    lineage: Lineage = field(default_factory=Lineage, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def findings(self) -> list[Finding]:
        """All findings, in order."""
        return [step for step in self.steps if isinstance(step, Finding)]

    @property
    def held(self) -> bool:
        """True when there is a finding and every defense held."""
        return bool(self.findings) and all(finding.held for finding in self.findings)

    def add_exchange(self, exchange: Exchange) -> None:
        """Add an exchange; one that repeats the last step only raises its count."""
        with self._lock:
            last = self.steps[-1] if self.steps else None
            if isinstance(last, Exchange) and exchange.repeats(last):
                self.steps[-1] = replace(last, times=last.times + 1)
            else:
                self.steps.append(exchange)

    def as_json(self) -> dict[str, Any]:
        """Return the steps and the refresh tokens as plain data."""
        return {
            "steps": [asdict(step) for step in self.steps],
            "picture": [asdict(node) for node in self.lineage.nodes],
        }
