"""What the fragments of the overview and of the sessions show of requests and devices."""

import re

import pytest
from flask import Flask

from tests.support.client import Client, member, other_browser
from tests.support.databases import one_database

pytestmark = one_database

SHOWN = re.compile(r"<li><code>([^<]+)</code><span class=\"chip plain\">(\w+)</span></li>")


def overview(person: Client, headers: dict[str, str] | None = None) -> str:
    access = person.access_token
    return person.ask("GET", "/fragments/account", None, headers, access=access).text


def received(person: Client, headers: dict[str, str] | None = None) -> dict[str, tuple[str, str]]:
    """Return what the overview says of its own request's headers, and who attached each."""
    page = overview(person, headers)
    rows = [(text.partition(": "), by) for text, by in SHOWN.findall(page)]
    return {name: (shown, by) for (name, _, shown), by in rows}


def test_overview_says_what_the_server_received(ada: Client) -> None:
    """Of a credential only that it came; a header that did not come is told, too."""
    came = {"Sec-Fetch-Site": "same-origin", "Origin": "https://latchkey.test"}
    assert received(ada, came) == {
        "Cookie": ("__Host-Http-refresh, __Host-Http-device", "browser"),
        "Sec-Fetch-Site": ("same-origin", "browser"),
        "Origin": ("https://latchkey.test", "browser"),
        "Authorization": ("bearer", "script"),
        "DPoP": ("none", "key"),
    }


def test_overview_of_a_program_without_cookies(ada: Client) -> None:
    ada.cookies.clear()
    ada.headers = {}
    assert received(ada)["Cookie"] == ("none", "browser")
    assert received(ada)["Sec-Fetch-Site"] == ("none", "browser")
    assert received(ada)["Origin"] == ("none", "browser")


def test_overview_of_a_bound_session(holder: Client) -> None:
    """The proof and its parts stay out of the page."""
    found = received(holder)
    assert found["DPoP"] == ("a proof", "key")
    assert found["Authorization"] == ("dpop", "script")


def test_a_header_of_markup_is_text(ada: Client) -> None:
    page = overview(ada, {"Sec-Fetch-Site": "<script>alert(1)</script>"})
    assert "<script>" not in page


@pytest.mark.parametrize(
    ("agent", "drawing"),
    [
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1", "phone"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/130.0 Mobile Safari/537.36", "phone"),
        ("Mozilla/5.0 (Windows NT 10.0; rv:130.0) Gecko/20100101 Firefox/130.0", "desktop"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Safari/605.1.15", "laptop"),
        ("curl/8.0", "terminal"),
        ("python-requests/2", "terminal"),
        ("", "window"),
    ],
)
def test_a_session_has_the_drawing_of_its_device(app: Flask, agent: str, drawing: str) -> None:
    page = member(app, agent=agent).protected("GET", "/fragments/sessions").text
    assert re.findall(r"sprite\.svg[^#]*#(\w+)", page) == [drawing]


def test_buttons_name_the_session_that_they_end(ada: Client) -> None:
    other_browser(ada)
    page = ada.protected("GET", "/fragments/sessions").text
    named = re.findall(r'(\w[\w ]*)<span class="hush"> ([^<]+)</span>', page)
    assert ("Log out", "on this device, Firefox on Windows, 127.0.0.1") in named
    assert ("End session", "on curl, 127.0.0.1") in named
