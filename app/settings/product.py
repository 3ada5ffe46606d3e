"""Read what a product changes: its name, its style sheet and logo, and who operates it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from app.settings.reader import Reader

MAX_NAME_LENGTH: Final = 60
_USER_ID: Final = r"[A-Za-z0-9_-]{22}"


def operators(reader: Reader) -> frozenset[str]:
    """Return the ids of the accounts that may use routes for operators."""
    ids = reader.words("OPERATORS")
    if not all(re.fullmatch(_USER_ID, user_id) for user_id in ids):
        remedy = "use ids of accounts, not e-mail addresses; /api/me shows the caller's id"
        reader.fault("OPERATORS", "has an entry that is not the id of an account", remedy)
    return frozenset(ids)


def product_name(reader: Reader) -> str:
    """Return the name on pages and in titles."""
    value = reader.text("PRODUCT_NAME", "Latchkey")
    if len(value) > MAX_NAME_LENGTH or not value.isprintable():
        remedy = f"use one line of at most {MAX_NAME_LENGTH} characters"
        reader.fault("PRODUCT_NAME", "is too long or not printable", remedy)
    return value


def static_file(reader: Reader, name: str, suffix: str, default: str = "") -> str:
    """Return the path of a file in static/, relative to that folder."""
    value = reader.text(name, default)
    if value != default and not _is_file(reader.root / "static", value, suffix):
        remedy = f"name a {suffix} file there, as in brand/product{suffix}"
        reader.fault(name, f"is not a {suffix} file in static/", remedy)
    return value


def _is_file(folder: Path, name: str, suffix: str) -> bool:
    if not name.isprintable() or not name.endswith(suffix):
        return False
    path = (folder / name).resolve()
    return path.is_file() and path.is_relative_to(folder.resolve())
