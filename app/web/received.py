"""What came with the current request, as its owner may see it: never a credential."""

from __future__ import annotations

from typing import Final, NamedTuple

from flask import request

from app.web import cookies, dpop
from app.web.guards import credential

BROWSER: Final = "browser"
SCRIPT: Final = "script"
KEY: Final = "key"


class ReceivedHeader(NamedTuple):
    """A header of the request: its name, what may be shown of it, and who attached it."""

    name: str
    shown: str
    attached_by: str


def received_headers() -> list[ReceivedHeader]:
    """Return the headers that decide who the caller is, also those that script cannot read.

    Of cookies, token and proof only the names are returned: the response goes to script, for which
    the refresh token is out of reach.
    """
    names = [
        name for name in (cookies.REFRESH, cookies.DEVICE, cookies.FORM) if name in request.cookies
    ]
    scheme, _ = credential()
    return [
        ReceivedHeader("Cookie", ", ".join(names) or "none", BROWSER),
        ReceivedHeader("Sec-Fetch-Site", request.headers.get("Sec-Fetch-Site", "none"), BROWSER),
        ReceivedHeader("Origin", request.headers.get("Origin", "none"), BROWSER),
        ReceivedHeader("Authorization", scheme, SCRIPT),
        ReceivedHeader("DPoP", "a proof" if dpop.HEADER in request.environ else "none", KEY),
    ]
