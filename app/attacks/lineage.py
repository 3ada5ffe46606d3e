"""The refresh tokens of a run: which session each belongs to, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

State = Literal["current", "spent", "retried", "reused", "dead"]

# The state of a token after one more rotation. In a race the refusals of other clients may be
# recorded before the rotation itself, so every other state becomes "reused".
AFTER_ROTATION: Final[dict[State, State]] = {
    "current": "spent",
    "spent": "retried",
    "retried": "retried",
}


@dataclass
class Node:
    """The `number`th refresh token of the `family`th session, both counted from 1."""

    family: int
    number: int
    state: State


class Lineage:
    """The nodes of a run by their tokens, in the order in which the server gave them out."""

    def __init__(self) -> None:
        """Start without any token."""
        self._nodes: Final[dict[str, Node]] = {}

    @property
    def nodes(self) -> list[Node]:
        """All nodes, in order."""
        return list(self._nodes.values())

    def begin(self, token: str) -> None:
        """Add the first token of a session, unless it is there."""
        if token not in self._nodes:
            self._add(token, 1 + max((node.family for node in self.nodes), default=0))

    def rotate(self, spent: str, successor: str) -> None:
        """Note that the server exchanged `spent` for `successor`; the second time is a retry."""
        before = self._nodes.get(spent)
        if before and spent != successor:
            before.state = AFTER_ROTATION.get(before.state, "reused")
            if successor not in self._nodes:
                self._add(successor, before.family)

    def end(self, token: str) -> None:
        """Note that the server refused a token: as reused if it was spent, as dead otherwise."""
        if node := self._nodes.get(token):
            node.state = "dead" if node.state in {"current", "dead"} else "reused"

    def _add(self, token: str, family: int) -> None:
        number = 1 + sum(node.family == family for node in self.nodes)
        self._nodes[token] = Node(family, number, "current")
