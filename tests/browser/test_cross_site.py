"""Another site's page tries to use the victim's session: it is refused and consumes nothing."""

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote, unquote

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.support.browsing import (
    REFRESH,
    Person,
    at_account,
    families,
    log_in,
    refresh_cookie,
    reload,
)
from tests.support.servers.gunicorn import GunicornServer
from tests.support.servers.other_site import OtherSite

TARGETS: Final = [
    "/auth/refresh",
    "/auth/logout",
    "/auth/login",
    "/auth/register/finish",
    "/login",
    "/logout",
    "/register/finish",
]
MAX_LOOKS: Final = 250

# Each sends a POST to the address given, in the ways that need nobody's leave.
ATTACKS: Final = {
    "form": """url => {
      const form = document.createElement('form');
      Object.assign(form, { method: 'post', action: url });
      document.body.append(form);
      form.submit();
    }""",
    "framed form": """url => {
      const frame = Object.assign(document.createElement('iframe'), { name: 'frame' });
      const form = document.createElement('form');
      Object.assign(form, { method: 'post', action: url, target: 'frame' });
      document.body.append(frame, form);
      form.submit();
    }""",
    "fetch": """url => void fetch(url,
      { method: 'POST', mode: 'no-cors', credentials: 'include' }).catch(() => {})""",
    "beacon": "url => void navigator.sendBeacon(url, 'x=1')",
}


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[OtherSite]:
    with OtherSite() as other:
        yield other


@pytest.fixture
def victim(page: Page, ada: Person) -> Page:
    log_in(page, ada)
    return page


class Wire:
    """What a tab really sends: the cookies of each request, also of those that get no answer."""

    def __init__(self, page: Page) -> None:
        self._address: dict[str, str] = {}
        self._cookie: dict[str, str] = {}
        self._page = page
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.requestWillBeSent", self._named)
        session.on("Network.requestWillBeSentExtraInfo", self._sent)

    def cookies(self, url: str) -> list[str]:
        """List the Cookie headers that requests to an address carried; the report may lag."""
        for _ in range(MAX_LOOKS):
            sent = [text for id_, text in self._cookie.items() if self._address.get(id_) == url]
            if sent:
                return sent
            self._page.wait_for_timeout(20)
        raise AssertionError(f"nothing was sent to {url}")

    def _named(self, event: dict[str, Any]) -> None:
        if event["request"]["method"] == "POST":
            self._address[event["requestId"]] = event["request"]["url"]

    def _sent(self, event: dict[str, Any]) -> None:
        self._cookie[event["requestId"]] = event["headers"].get("Cookie", "")


def attack(page: Page, origin: str, way: str, url: str) -> None:
    """Send one forged request from a page of another origin and see it refused."""
    page.goto(origin)
    target = unquote(url.rpartition("to=")[2])
    with page.expect_request(lambda request: request.url == target) as sent:
        page.evaluate(ATTACKS[way], url)
    answer = sent.value.response()
    if way == "form":
        page.wait_for_url(target)
    if answer:
        assert answer.status == 403
        assert "set-cookie" not in answer.all_headers()
    else:  # an answer came, and not even its status reaches the page
        assert "BLOCKED_BY_RESPONSE" in (sent.value.failure or "")


def unharmed(
    victim: Page, site: GunicornServer, before: list[dict[str, Any]], cookie: object
) -> None:
    assert families(site) == before
    assert refresh_cookie(victim.context) == cookie
    reload(victim)


@pytest.mark.parametrize("way", ATTACKS)
def test_other_site_is_refused_and_consumes_nothing(
    victim: Page, context: BrowserContext, site: GunicornServer, elsewhere: OtherSite, way: str
) -> None:
    before, cookie = families(site), refresh_cookie(context)
    attacker = context.new_page()
    wire = Wire(attacker)
    for path in TARGETS:
        attack(attacker, elsewhere.far, way, site.url + path)
        assert REFRESH not in str(wire.cookies(site.url + path))
    unharmed(victim, site, before, cookie)


@pytest.mark.parametrize("way", ATTACKS)
def test_sibling_carries_the_cookie_and_is_refused(
    victim: Page, context: BrowserContext, site: GunicornServer, elsewhere: OtherSite, way: str
) -> None:
    """Another origin of the same site does have the Strict cookie sent; it is refused for that.

    The cookie's arrival is the control: what stops this attack is the server's rule alone.
    """
    before, cookie = families(site), refresh_cookie(context)
    attacker = context.new_page()
    wire = Wire(attacker)
    for path in TARGETS:
        attack(attacker, elsewhere.near, way, site.url + path)
        assert REFRESH in str(wire.cookies(site.url + path))
    unharmed(victim, site, before, cookie)


def test_bounced_request_is_refused(
    victim: Page, context: BrowserContext, site: GunicornServer, elsewhere: OtherSite
) -> None:
    before, cookie = families(site), refresh_cookie(context)
    attacker = context.new_page()
    for path in TARGETS:
        bounce = f"{elsewhere.far}/bounce?to={quote(site.url + path, safe='')}"
        attack(attacker, elsewhere.far, "form", bounce)
    unharmed(victim, site, before, cookie)


def test_control_an_unprotected_site_falls(context: BrowserContext, elsewhere: OtherSite) -> None:
    """The same form against a server without these rules arrives with the victim's cookie."""
    victim = context.new_page()
    victim.goto(f"{elsewhere.near}/login")
    victim.goto(elsewhere.far)
    victim.evaluate(ATTACKS["form"], f"{elsewhere.near}/auth/refresh")
    victim.wait_for_url(f"{elsewhere.near}/auth/refresh")
    assert ("/auth/refresh", "login=victim") in elsewhere.posted


def test_framing_is_refused(
    victim: Page, context: BrowserContext, site: GunicornServer, elsewhere: OtherSite
) -> None:
    at_account(victim)
    attacker = context.new_page()
    for origin in (elsewhere.far, elsewhere.near):
        for path in ("/login", "/account", "/account/password", "/nowhere"):
            attacker.goto(origin)
            attacker.evaluate(
                """url => new Promise(loaded => {
                  const frame = document.createElement('iframe');
                  Object.assign(frame, { src: url, onload: () => loaded() });
                  document.body.append(frame);
                })""",
                site.url + path,
            )
            attacker.frames[1].wait_for_url("chrome-error://**", wait_until="commit")


def test_answers_cannot_be_read_or_held(
    victim: Page, context: BrowserContext, site: GunicornServer, elsewhere: OtherSite
) -> None:
    at_account(victim)
    attacker = context.new_page()
    for origin in (elsewhere.far, elsewhere.near):
        attacker.goto(origin)
        for path in ("/login", "/api/me", "/fragments/account", "/static/js/session.js"):
            read = attacker.evaluate(
                "url => fetch(url, { credentials: 'include' }).then(() => 'read', e => e.name)",
                site.url + path,
            )
            assert read == "TypeError", path
        with context.expect_page() as opened:
            attacker.evaluate("url => { window.hold = open(url) }", f"{site.url}/account")
        expect(opened.value.locator("#content, form")).not_to_have_count(0)
        attacker.wait_for_function("window.hold.closed")
        assert opened.value.evaluate("window.opener") is None
        opened.value.close()
