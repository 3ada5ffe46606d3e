"""The steps of a run: what the attack does, what it exchanges, what it finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Said:
    """A sentence that says what the attack does next."""

    text: str
    kind: Literal["said"] = "said"


@dataclass(frozen=True)
class Exchange:
    """One request and its answer as they were sent, without credentials that still work.

    `who` sent it; `times` counts equal exchanges that followed each other.
    """

    who: str
    request: str
    answer: str
    status: int
    times: int = 1
    kind: Literal["exchange"] = "exchange"

    def repeats(self, other: object) -> bool:
        """Tell whether `other` has the same sender, request line and status."""
        return (
            isinstance(other, Exchange)
            and (self.who, self.status) == (other.who, other.status)
            and self.request.partition("\n")[0] == other.request.partition("\n")[0]
        )


@dataclass(frozen=True)
class Finding:
    """Whether the defense held at one point; `by` names its code as `path:name`."""

    text: str
    held: bool
    by: str
    kind: Literal["finding"] = "finding"
