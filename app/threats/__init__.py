"""What can be tried against a session, and what stops it: the one place that says so.

docs/threats.md, `/threats`, `/mistakes`, the lab and `flask attack` are made of it.
"""

from __future__ import annotations

from typing import Final

from app.threats.entry import Entry
from app.threats.further import FURTHER
from app.threats.mistakes import MISTAKES
from app.threats.threats import THREATS

ENTRIES: Final = (*THREATS, *MISTAKES, *FURTHER)
BY_SLUG: Final = {entry.slug: entry for entry in ENTRIES}

__all__ = ["BY_SLUG", "ENTRIES", "FURTHER", "MISTAKES", "THREATS", "Entry"]
