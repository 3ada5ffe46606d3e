"""A group of connections in one state, with a deadline and a limit; `table` has six groups."""

from __future__ import annotations

from collections import Counter
from itertools import islice

from app.server.connection import Connection


class Group(dict[Connection, None]):
    """The connections in one state, in the order in which they entered it."""

    def __init__(self, seconds: float, max_size: int) -> None:
        """Allow a connection to be here for `seconds`, and at most `max_size` connections."""
        super().__init__()
        self.seconds, self.max_size = seconds, max_size

    def shorten(self, deadline: float) -> None:
        """Move every later deadline forward to `deadline` (monotonic); the order stays."""
        for connection in self:
            connection.deadline = min(connection.deadline, deadline)

    def due_in(self, now: float, max_seconds: float) -> float:
        """Return the seconds until the first deadline, but at most `max_seconds`."""
        first = islice(self, 1)
        return min([max_seconds, *(max(0.0, oldest.deadline - now) for oldest in first)])

    def surplus(self) -> Connection | None:
        """Return the connection to end when the group is too large, otherwise None.

        It is the oldest connection of the site (a /24 or a /48) that has the most, so that a
        flood from one site ends only connections of that site.
        """
        if len(self) <= self.max_size:
            return None
        largest_site = Counter(connection.site for connection in self).most_common(1)[0][0]
        return next(connection for connection in self if connection.site == largest_site)
