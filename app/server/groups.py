"""Connections by what they wait for, each with a deadline."""

from __future__ import annotations

from collections import Counter
from itertools import islice

from app.server.connection import Connection


class Group(dict[Connection, None]):
    """The connections in one state, the oldest first."""

    def __init__(self, seconds: float, most: int) -> None:
        """Let a connection be here for `seconds` and no more than `most` at once."""
        super().__init__()
        self.seconds, self.most = seconds, most

    def shorten(self, until: float) -> None:
        """Bring every deadline forward to `until`; their order stays."""
        for connection in self:
            connection.deadline = min(connection.deadline, until)

    def due_in(self, now: float, most: float) -> float:
        """Return the seconds until the first deadline, or `most` when that is sooner."""
        return min([most, *(max(0.0, one.deadline - now) for one in islice(self, 1))])

    def surplus(self) -> Connection | None:
        """Return the connection that gives way: the oldest of the site that has the most.

        A flood from one site (a /24, a /48) makes room at its own expense.
        """
        if len(self) <= self.most:
            return None
        greediest = Counter(one.site for one in self).most_common(1)[0][0]
        return next(one for one in self if one.site == greediest)
