"""CSRF on the refresh endpoint: a malicious page makes Ada's browser send a refresh.

Her cookie is attached: Chromium attaches even a SameSite=Strict one when the page is on a sibling
host, or when another site's redirect bounces through it.
"""

import pytest

from tests.support.client import Client, problem

MALICIOUS_PAGES = {
    "fetch from another site": {
        "Origin": "https://evil.example",
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "no-cors",
    },
    "form on a sibling host": {
        "Origin": "https://shop.localhost",
        "Sec-Fetch-Site": "same-site",
        "Sec-Fetch-Mode": "navigate",
    },
    "form in a sandboxed frame": {
        "Origin": "null",
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "navigate",
    },
    "redirect through another site": {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    "older browser, Origin alone": {"Origin": "https://evil.example"},
    "the site itself without TLS": {"Origin": "http://localhost", "Sec-Fetch-Site": "cross-site"},
}


@pytest.mark.parametrize("headers", MALICIOUS_PAGES.values(), ids=MALICIOUS_PAGES)
def test_forged_refresh(ada: Client, thief: Client, headers: dict[str, str]) -> None:
    cookie = ada.refresh_token

    forged = thief.ask("POST", "/auth/refresh", cookie=cookie, headers=headers)

    problem(forged, 403, "cross_origin")
    assert "Set-Cookie" not in forged.headers
    assert "Access-Control-Allow-Origin" not in forged.headers
    # Ada's cookie was not spent: her own page refreshes with the very same one.
    assert ada.refresh_token == cookie
    assert ada.refresh().status_code == 200
    assert ada.me().status_code == 200


def test_forged_logout_and_login(ada: Client, thief: Client) -> None:
    elsewhere = MALICIOUS_PAGES["fetch from another site"]
    for path in ("/auth/logout", "/auth/login", "/logout", "/login"):
        assert (
            thief.ask("POST", path, cookie=ada.refresh_token, headers=elsewhere).status_code == 403
        )
    assert ada.alive()


def test_link_is_no_refresh(ada: Client, thief: Client) -> None:
    """A link or an image sends a GET, and no state changes on GET."""
    for path, status in (("/auth/refresh", 405), ("/auth/logout", 405), ("/logout", 200)):
        assert thief.ask("GET", path, cookie=ada.refresh_token).status_code == status
    assert ada.alive()
