"""What sessions promise, in a few lines: docs/bound-sessions.md, docs/decisions.md.

Nothing here knows how it is kept. All times are seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

LEEWAY: Final = 5
ACCESS: Final = 600
RECENT: Final = 300
IDLE: Final = {False: 12 * 3600, True: 7 * 86400}
ABSOLUTE: Final = {False: 24 * 3600, True: 30 * 86400}
IN_FLIGHT: Final = 30
THEFTS: Final = {"reuse", "no_proof", "foreign_key"}
SHOWN: Final = 30 * 86400  # so long a theft stands on the sessions page
KEPT: Final = 17 * 60  # so long every other end may have to be said to Redis again


@dataclass(eq=False)
class Token:
    """A token that was handed out: to refresh with, or to ask with.

    One to ask with has its key in `jkt`, and when the password was given in `proved`.
    """

    family: Family
    text: str
    minted: int
    ends: int
    jkt: str | None = None
    proved: int = 0

    def recent(self, now: int) -> bool:
        """Tell whether the password was given lately enough for what harms most."""
        return now - self.proved <= RECENT + LEEWAY

    def timely(self, now: int) -> bool:
        """Return whether the token is valid by a clock that differs by at most the leeway."""
        return self.minted - LEEWAY <= now < self.ends + LEEWAY


@dataclass(eq=False)
class Family:
    """One session: the refresh tokens it had, the current one last, and how it ended."""

    sid: str
    user: str
    begun: int
    remembered: bool
    jkt: str | None
    used: int = 0
    proved: int = 0
    idle_ends: int = 0
    ended: str | None = None
    ended_at: int = 0
    known_by: int = 0
    tokens: list[Token] = field(default_factory=list)

    @property
    def absolute_ends(self) -> int:
        return self.begun + ABSOLUTE[self.remembered]

    def live(self, now: int) -> bool:
        return self.ended is None and now < self.idle_ends

    def over(self, now: int, *, idle: bool) -> bool:
        """Return whether its row is deleted: by a log-in, which sees `idle` ones, or by prune."""
        if self.ended in THEFTS:
            return self.ended_at < now - SHOWN
        gone = self.ended is not None and self.ended_at < now - KEPT
        return gone or (self.idle_ends < now - KEPT if idle else self.absolute_ends < now - 60)

    def verdict(self, token: Token, jkt: str | None, now: int) -> str:
        """Return what becomes of a refresh token that comes with a proof by `jkt` or with none."""
        if not (self.live(now) and token.timely(now)):
            return "refused"
        if self.jkt is not None and jkt != self.jkt:
            return "no_proof" if jkt is None else "foreign_key"
        if token is self.tokens[-1]:
            return "rotated"
        return "retried" if self.jkt and self._overtaken(token) else "reuse"

    def _overtaken(self, token: Token) -> bool:
        """Tell whether every rotation since followed the one before it closely.

        One rotation since it was spent makes it the predecessor, whatever its age.
        """
        since = [one.minted for one in self.tokens if one.minted > token.minted]
        spent_last = token is self.tokens[-2]
        return spent_last or all(b - a <= IN_FLIGHT for a, b in pairwise(since))

    def rotate(self, text: str, jkt: str | None, now: int) -> None:
        """Take a new current token; the first proof binds, nothing outlives the absolute end."""
        self.used = max(now, self.used)
        self.jkt = self.jkt or jkt
        self.idle_ends = min(self.used + IDLE[self.remembered], self.absolute_ends)
        self.tokens.append(Token(self, text, self.used, self.idle_ends))


def admitted(token: Token, scheme: str, jkt: str | None, now: int) -> bool:
    """Return whether an access token is accepted: valid, with its own key, session not ended."""
    own = scheme == "Bearer" if token.jkt is None else (scheme, jkt) == ("DPoP", token.jkt)
    return own and token.timely(now) and token.family.ended is None
