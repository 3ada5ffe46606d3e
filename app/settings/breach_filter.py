"""Read where the filter of breached passwords is, and check that it is whole."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from app.settings.reader import Reader

# A filter of `app.accounts.breached_passwords` begins with this, and with its size in bytes.
MAGIC: Final = b"LKbreach"
SIZE_BYTES: Final = 8


def breached_passwords(reader: Reader) -> Path | None:
    """Return the path of the filter; None when there is none."""
    value = reader.text("BREACHED_PASSWORDS")
    path = reader.root / value if value else None
    problem = _problem(path) if path else None
    if problem:
        command = "BREACHED_PASSWORDS= flask --app wsgi passwords import LIST --to FILTER"
        reader.fault("BREACHED_PASSWORDS", problem, f"make it with '{command}', or unset it")
    return path


def _problem(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            start = file.read(len(MAGIC) + SIZE_BYTES)
            size = os.fstat(file.fileno()).st_size
    except (OSError, ValueError) as error:  # ValueError: the path has a NUL character
        return f"names a file that cannot be read ({getattr(error, 'strerror', error)})"
    if start == MAGIC + size.to_bytes(SIZE_BYTES, "little"):
        return None
    return "names a file that is not a filter of breached passwords, or not a whole one"
