"""Messages as people may read them: the headers that matter, and no credential that works."""

from __future__ import annotations

import re
from typing import Final

MAX_SHOWN: Final = 2000
SHOWN_HEADERS: Final = frozenset({
    "authorization", "cookie", "content-type", "dpop", "host", "origin", "sec-fetch-mode",
    "sec-fetch-site", "referer",
    "cache-control", "clear-site-data", "location", "retry-after",
    "set-cookie", "www-authenticate",
})  # fmt: skip
PAGE_HEADERS: Final = frozenset({"content-security-policy"})

# Without its payload and signature a token is no credential.
_TOKEN: Final = re.compile(r"(eyJ[A-Za-z0-9_-]{6})[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+")
_LINK: Final = re.compile(
    r"([A-Za-z0-9_-]{12}\.)[A-Za-z0-9_-]{22}\.[0-9]{1,12}\.[A-Za-z0-9_-]{43}"
)
_MARK: Final = re.compile(r"(__Host-Http-(?:device|form)=)[^;\s]+")
_PASSWORD: Final = re.compile(r"(password(?:\"\s*:\s*\"|=))[^\"&]+")


def shown(first_line: str, headers: list[tuple[str, str]], body: bytes) -> str:
    """Return a message as text; the body of a page is left out, others end after MAX_SHOWN."""
    text = body.decode("utf-8", "replace")
    is_page = text.lstrip().startswith("<")
    wanted = SHOWN_HEADERS | PAGE_HEADERS if is_page else SHOWN_HEADERS
    kept = [f"{name}: {value}" for name, value in headers if name.lower() in wanted]
    lines = [first_line, *kept]
    if text and not is_page:
        lines += ["", text[:MAX_SHOWN]]
    message = "\n".join(lines)
    for pattern in (_TOKEN, _LINK, _MARK, _PASSWORD):
        message = pattern.sub(r"\1…", message)
    return message
