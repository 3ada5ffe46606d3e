"""Find entries of the catalogue by words and by kind, for the form of `/threats`.

static/js/threats.js finds the same while one types: it compares with `searched_text`, which is in
the page.
"""

from __future__ import annotations

from typing import Final

from app.threats import FURTHER, MISTAKES, THREATS, Entry

KINDS: Final = {"threat": THREATS, "mistake": MISTAKES, "further": FURTHER}
MAX_QUERY: Final = 100


def searched_text(entry: Entry) -> str:
    """Return what is searched for words: what the index shows, and the ids of standards."""
    names = (entry.name, entry.short, entry.slug, entry.stopped_by, entry.remains)
    return " ".join((*names, *entry.standards)).lower()


def matching(query: str, kind: str) -> frozenset[str]:
    """Return the slugs of the entries of `kind` that contain each word of `query`.

    Every kind matches when `kind` is none of `KINDS`. Only the first `MAX_QUERY` characters of
    the query count.
    """
    words = query[:MAX_QUERY].lower().split()
    groups = (KINDS[kind],) if kind in KINDS else KINDS.values()
    return frozenset(
        entry.slug
        for group in groups
        for entry in group
        if all(word in searched_text(entry) for word in words)
    )
