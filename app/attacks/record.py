"""What an attack did and met: the steps, the findings, the picture of the family."""

from __future__ import annotations

import re
import threading
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Literal

State = Literal["current", "spent", "retried", "reused", "dead"]

# The signature is what makes a token a credential: it is never shown.
_TOKEN: Final = re.compile(r"(eyJ[A-Za-z0-9_-]{6})[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+")
_MARK: Final = re.compile(r"(__Host-Http-(?:device|form)=)[^;\s]+")
_PASSWORD: Final = re.compile(r"(password(?:\"\s*:\s*\"|=))[^\"&]+")
MAX_SHOWN: Final = 2000
# What a rotation makes of a token; in a race the refusals of others may be noted before it.
_SPENT: Final[dict[State, State]] = {"current": "spent", "spent": "retried", "retried": "retried"}
SHOWN_HEADERS: Final = frozenset({
    "authorization", "cookie", "content-type", "dpop", "host", "origin", "sec-fetch-mode",
    "sec-fetch-site", "referer",
    "cache-control", "clear-site-data", "location", "retry-after",
    "set-cookie", "www-authenticate",
})  # fmt: skip
PAGE_HEADERS: Final = frozenset({"content-security-policy"})


@dataclass(frozen=True)
class Said:
    """What happens next, in plain words."""

    text: str
    kind: Literal["said"] = "said"


@dataclass(frozen=True)
class Exchange:
    """One request and its answer as they went over the wire, without what could be reused."""

    who: str
    request: str
    answer: str
    status: int
    times: int = 1
    kind: Literal["exchange"] = "exchange"

    def repeats(self, other: object) -> bool:
        """Tell whether this is `other` once more, but for what was typed."""
        return (
            isinstance(other, Exchange)
            and (self.who, self.status) == (other.who, other.status)
            and self.request.partition("\n")[0] == other.request.partition("\n")[0]
        )


@dataclass(frozen=True)
class Finding:
    """Whether the defense held at one point, and the code that spoke."""

    text: str
    held: bool
    by: str
    kind: Literal["finding"] = "finding"


@dataclass
class Node:
    """One refresh token: the `number`th that was handed out, in the `family`th session."""

    family: int
    number: int
    state: State


@dataclass
class Record:
    """Everything one run leaves behind."""

    steps: list[Said | Exchange | Finding] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set, repr=False)
    _nodes: dict[str, Node] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def findings(self) -> list[Finding]:
        """All findings, in order."""
        return [step for step in self.steps if isinstance(step, Finding)]

    @property
    def held(self) -> bool:
        """True when something was tried and every defense held."""
        return bool(self.findings) and all(finding.held for finding in self.findings)

    @property
    def picture(self) -> list[Node]:
        """The refresh tokens that were handed out, in order."""
        return list(self._nodes.values())

    def exchanged(self, exchange: Exchange) -> None:
        """Add an exchange; a row of the same is kept as its first and their number."""
        with self._lock:
            last = self.steps[-1] if self.steps else None
            if isinstance(last, Exchange) and exchange.repeats(last):
                self.steps[-1] = replace(last, times=last.times + 1)
            else:
                self.steps.append(exchange)

    def begun(self, token: str) -> None:
        """Draw the first token of a session, unless it is drawn."""
        if token not in self._nodes:
            self._draw(token, 1 + max((node.family for node in self.picture), default=0))

    def rotated(self, spent: str, successor: str) -> None:
        """Draw a rotation; one that was done before is a retry."""
        before = self._nodes.get(spent)
        if before and spent != successor:
            before.state = _SPENT.get(before.state, "reused")
            if successor not in self._nodes:
                self._draw(successor, before.family)

    def ended(self, token: str) -> None:
        """Draw the end of a token that was presented: reuse when it was spent before."""
        if node := self._nodes.get(token):
            node.state = "dead" if node.state in {"current", "dead"} else "reused"

    def _draw(self, token: str, family: int) -> None:
        number = 1 + sum(node.family == family for node in self.picture)
        self._nodes[token] = Node(family, number, "current")

    def as_json(self) -> dict[str, Any]:
        """Return steps and picture as plain data."""
        return {
            "steps": [asdict(step) for step in self.steps],
            "picture": [asdict(node) for node in self.picture],
        }


def shown(first_line: str, headers: list[tuple[str, str]], body: bytes) -> str:
    """Spell a message for people: the headers that matter, and no credential that works."""
    text = body.decode("utf-8", "replace")
    is_page = text.lstrip().startswith("<")
    wanted = SHOWN_HEADERS | PAGE_HEADERS if is_page else SHOWN_HEADERS
    lines = [
        first_line,
        *(f"{name}: {value}" for name, value in headers if name.lower() in wanted),
    ]
    if text and not is_page:
        lines += ["", text[:MAX_SHOWN]]
    said = "\n".join(lines)
    for pattern in (_TOKEN, _MARK, _PASSWORD):
        said = pattern.sub(r"\1…", said)
    return said
