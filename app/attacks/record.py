"""The record of one run: its steps, its refresh tokens, and the credentials it was given."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from app.attacks.lineage import Lineage
from app.attacks.steps import Exchange, Finding, Said

Step = Said | Exchange | Finding


@dataclass
class Record:
    """Everything one run leaves behind; several threads may add to it.

    `on_step` is called with each step and its place in `steps`, at once. A place comes again when
    an exchange was repeated. What `on_step` raises ends the attack.
    """

    steps: list[Step] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set, repr=False)
    lineage: Lineage = field(default_factory=Lineage, repr=False)
    on_step: Callable[[int, Step], object] = field(default=lambda _at, _step: None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def findings(self) -> list[Finding]:
        """All findings, in order."""
        return [step for step in self.steps if isinstance(step, Finding)]

    @property
    def held(self) -> bool:
        """True when there is a finding and every defense held."""
        return bool(self.findings) and all(finding.held for finding in self.findings)

    def add(self, step: Step) -> None:
        """Add a step; an exchange that repeats the last step only raises its count."""
        with self._lock:
            last = self.steps[-1] if self.steps else None
            if isinstance(step, Exchange) and isinstance(last, Exchange) and step.repeats(last):
                self.steps[-1] = replace(last, times=last.times + 1)
            else:
                self.steps.append(step)
            self.on_step(len(self.steps) - 1, self.steps[-1])

    def as_json(self) -> dict[str, Any]:
        """Return the steps and the refresh tokens as plain data."""
        return {
            "steps": [asdict(step) for step in self.steps],
            "picture": [asdict(node) for node in self.lineage.nodes],
        }
