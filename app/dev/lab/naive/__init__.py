"""The naive versions: for each entry of the catalogue what lets its attack through.

Each replaces one line of defense of the real code, in a process of its own (`app/dev/lab/twin`).
"""

from __future__ import annotations

from typing import Final

from app.dev.lab.naive import denial, doors, pages, sessions, tokens
from app.dev.lab.naive.line import Naive

NAIVE: Final[tuple[Naive, ...]] = tuple(
    found
    for module in (tokens, sessions, pages, doors, denial)
    for found in vars(module).values()
    if isinstance(found, Naive)
)


def naive_of(slug: str) -> tuple[Naive, ...]:
    """Return the naive versions for an entry; the lab shows the first."""
    return tuple(naive for naive in NAIVE if naive.slug == slug)
