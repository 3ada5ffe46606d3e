"""Where to go after logging in: only to a path of this site."""

from __future__ import annotations

import re
from typing import Final

# One slash, then no second one and no backslash, which browsers read as one; printable ASCII
# only, because they drop tabs and newlines from a URL before they look at it.
_PATH: Final = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*", re.ASCII)
MAX_LENGTH: Final = 512


def safe_path(wanted: str) -> str:
    """Return `wanted` when it is a path of this site, otherwise an empty string."""
    return wanted if len(wanted) <= MAX_LENGTH and _PATH.fullmatch(wanted) else ""
