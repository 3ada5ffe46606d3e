"""What `/browsers` says: which browser knows which protection, and what holds without it.

The versions are those of MDN's browser-compat-data 8.1.9 for the desktop; an empty one means that
no release of that browser has it there.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Protection(NamedTuple):
    """A protection that the browser gives, when it knows it.

    `without` says what Latchkey does in a browser that does not know it. `probe` names the
    function of static/js/browsers.js that finds out. Without one, `header` is what the browser
    sends with the page itself when it knows the protection, or `unprobed` says why no page can
    find out.
    """

    name: str
    gives: str
    chromium: str
    firefox: str
    safari: str
    without: str
    probe: str = ""
    header: str = ""
    unprobed: str = ""


VERSIONS_OF: Final = "November 12, 2026"

PROTECTIONS: Final = (
    Protection(
        name="__Host- cookie names",
        gives="No sibling host can set a cookie of this name.",
        chromium="49",
        firefox="50",
        safari="13",
        without="A request with two refresh cookies is refused and uses neither up. Each log-in "
        "begins a new session and ends the one that the browser held.",
        probe="hostPrefix",
    ),
    Protection(
        name="__Host-Http- cookie names",
        gives="No script can set such a cookie either, even after the cookie jar overflowed.",
        chromium="140",
        firefox="143",
        safari="",
        without="The name begins with __Host-, so the rules above still hold. Script that runs in "
        "the page could plant a session of its own until the next log-in.",
        probe="httpPrefix",
    ),
    Protection(
        name="SameSite=Strict",
        gives="The cookie does not come along with a request that another site began.",
        chromium="51",
        firefox="60",
        safari="12",
        without="A request that changes something is refused by its Origin and Sec-Fetch-Site, "
        "before the cookie is read.",
        unprobed="Only another site could find out.",
    ),
    Protection(
        name="Fetch metadata",
        gives="Sec-Fetch-Site says which site began a request; script cannot forge it.",
        chromium="76",
        firefox="90",
        safari="16.4",
        without="Origin alone decides. Every browser of today sends it with a POST.",
        header="Sec-Fetch-Site",
    ),
    Protection(
        name="Trusted Types",
        gives="A text becomes markup only through the one policy of this site.",
        chromium="83",
        firefox="148",
        safari="26",
        without="The content policy still runs no inline script and none of another host.",
        probe="trustedTypes",
    ),
    Protection(
        name="Keys that cannot be copied",
        gives="A WebCrypto key in IndexedDB signs for the session and never leaves the browser.",
        chromium="37",
        firefox="34",
        safari="10",
        without="The session is not bound: its tokens are Bearer tokens. A refresh token that is "
        "used twice still ends the family.",
        probe="lastingKey",
    ),
    Protection(
        name="Web Locks",
        gives="Tabs refresh one after the other, so no two use the same token.",
        chromium="69",
        firefox="96",
        safari="15.4",
        without="Tabs may refresh at the same moment. A bound session gets its one successor "
        "again; an unbound one may end, and asks for the password.",
        probe="webLocks",
    ),
    Protection(
        name="Clear-Site-Data",
        gives="A log-out, and a log-in without script, make the browser forget stored keys.",
        chromium="61",
        firefox="63",
        safari="17",
        without="Script deletes the keys itself at a log-out. A log-in without script keeps an "
        "old key.",
        unprobed="A try would delete what this site stored.",
    ),
)
