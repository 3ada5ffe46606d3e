from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.pages.redirects import MAX_LENGTH, safe_path

ORIGIN = "https://localhost"
GOOD = [
    *("/", "/account", "/account/sessions", "/account#top", "/account?tab=1&x=%2F%2Fevil.example"),
    *("/a//b", "/.//evil", "/@evil.example", "/:80", "/%09/evil.example", "/%5cevil.example"),
    "/" + "a" * (MAX_LENGTH - 1),
]
HOSTILE = {
    "empty": "",
    "relative": "account",
    "relative-dot": "./account",
    "parent": "../account",
    "absolute": "https://evil.example/",
    "absolute-http": "http://evil.example",
    "upper-case-scheme": "HTTPS://evil.example",
    "own-origin": "https://localhost/account",
    "protocol-relative": "//evil.example",
    "three-slashes": "///evil.example",
    "four-slashes": "////evil.example",
    "slash-backslash": "/\\evil.example",
    "slash-backslash-slash": "/\\/evil.example",
    "backslash-slash": "\\/evil.example",
    "two-backslashes": "\\\\evil.example",
    "backslash-later": "/a\\b",
    "tab-between": "/\t/evil.example",
    "newline-between": "/\n/evil.example",
    "return-between": "/\r/evil.example",
    "tab-then-backslash": "/\t\\evil.example",
    "leading-space": " //evil.example",
    "leading-space-and-path": " /account",
    "leading-tab": "\t//evil.example",
    "leading-nul": "\0//evil.example",
    "trailing-newline": "/account\n",
    "header-injection": "/account\r\nSet-Cookie: a=b",
    "space-inside": "/a b",
    "nul-inside": "/a\0b",
    "delete-character": "/\x7f/evil.example",
    "javascript": "javascript:alert(1)",
    "javascript-after-slash": "/\njavascript:alert(1)",
    "data": "data:text/html,<script>alert(1)</script>",
    "userinfo": "https:@evil.example",
    "one-slash-scheme": "https:/evil.example",
    "no-slash-scheme": "https:evil.example",
    "port-alone": ":443",
    "query-alone": "?next=/",
    "fragment-alone": "#top",
    "full-width-slash": "\uff0fevil.example",
    "slash-full-width-slash": "/\uff0fevil.example",
    "ideographic-full-stop": "//evil\u3002example",
    "division-slash": "/\u2215evil.example",
    "umlaut": "/\u00fc",
    "lone-surrogate": "/\ud800",
    "byte-order-mark": "\ufeff//evil.example",
    "right-to-left": "/\u202e//evil.example",
    "too-long": "/" + "a" * MAX_LENGTH,
}


@pytest.mark.parametrize("wanted", GOOD)
def test_a_path_of_this_site_is_kept(wanted: str) -> None:
    assert safe_path(wanted) == wanted


@pytest.mark.parametrize("wanted", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_could_lead_elsewhere_is_dropped(wanted: str) -> None:
    """Otherwise a log-in could lead to a page that imitates ours and asks for the password."""
    assert safe_path(wanted) == ""


@settings(max_examples=500, deadline=None, derandomize=True)
@given(st.text(st.sampled_from("/\\.:@?#%abc \t\n\r\0\u3002\uff0f"), max_size=12))
def test_whatever_is_kept_stays_on_this_origin(wanted: str) -> None:
    """A browser drops tabs and newlines, and reads a backslash as a slash."""
    kept = safe_path(wanted).translate({9: None, 10: None, 13: None}).replace("\\", "/")
    resolved = urlsplit(urljoin(f"{ORIGIN}/login", kept))
    assert (resolved.scheme, resolved.netloc) == ("https", "localhost")
