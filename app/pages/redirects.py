"""Check the target of the redirect after a log-in (open redirect); `routes` calls this."""

from __future__ import annotations

import re
from typing import Final

# Not two slashes, which would begin a host, nor a backslash, which browsers treat as a slash.
# Only printable ASCII, because browsers remove tabs and line breaks from a URL.
_PATH: Final = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*", re.ASCII)
MAX_LENGTH: Final = 512


def safe_path(wanted: str) -> str:
    """Return `wanted` when it is a path on this site, otherwise an empty string.

    A path of more than `MAX_LENGTH` characters gives an empty string too.
    """
    return wanted if len(wanted) <= MAX_LENGTH and _PATH.fullmatch(wanted) else ""
