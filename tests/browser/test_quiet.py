"""A visit leaves no noise: console, network, page weight, and nothing that jumps."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from typing import Final
from urllib.parse import urlsplit

import brotli
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Response

from tests.support.browsing import (
    Person,
    ask_for_account,
    ask_the_api,
    at_account,
    choose_password,
    cookie_only,
    enter_passwords,
    log_in,
    log_out,
    open_mailed_link,
    open_section,
    press_refresh,
)
from tests.support.mail import registration_path
from tests.support.servers.gunicorn import GunicornServer

MAX_CSS: Final = 9_000
MAX_JS: Final = 14_000
MAX_SHIFT: Final = 0.05
PUBLIC: Final = [
    "/",
    "/login",
    "/register",
    "/register/sent",
    "/logout",
    "/threats",
    "/threats/refresh-token-theft",
    "/mistakes",
    "/browsers",
    "/account/deleted",
]
CAROL: Final = "carol@example.com"
ACCOUNT: Final = [
    "/account",
    "/account/sessions",
    "/account/activity",
    "/account/password",
    "/account/email",
    "/account/data",
]
TOKYO: Final = timezone(timedelta(hours=9))

# Adds up all shifts, also those right after a click, which browsers forgive.
SHIFTS: Final = """
window.shift = 0;
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) window.shift += entry.value;
}).observe({ type: 'layout-shift', buffered: true });
"""
PAINTED: Final = """
() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done())))
"""

JUMPED: Final = """
() => new Promise(done => {
  const look = () => (window.shift > 0.05 ? done() : requestAnimationFrame(look));
  look();
})
"""


class Noise:
    def __init__(self, context: BrowserContext, site: GunicornServer) -> None:
        self.heard: list[str] = []
        self.asked: list[str] = []
        self._home = site.url
        context.on("console", lambda message: self._hear(message.text))
        context.on("weberror", lambda error: self._hear(str(error.error)))
        context.on("requestfailed", lambda request: self._fail(request.url, request.failure))
        context.on("request", lambda request: self._ask(request.url))

    def _hear(self, text: str) -> None:
        # Chromium's own words when a site has it forget what it kept.
        if not text.startswith("Clear-Site-Data header on"):
            self.heard.append(text)

    def _fail(self, url: str, why: str | None) -> None:
        # What was still loading when the page was left is no failure.
        if why != "net::ERR_ABORTED":
            self._hear(f"{url}: {why}")

    def _ask(self, url: str) -> None:
        self.asked.append(urlsplit(url).path)
        if not url.startswith(self._home + "/"):
            self._hear(f"{url} is another host")


def shifted(page: Page) -> float:
    """Return by how much the page has jumped so far."""
    page.evaluate(PAINTED)
    shift: float = page.evaluate("window.shift")
    return shift


def test_whole_visit_makes_no_noise(page: Page, site: GunicornServer, ada: Person) -> None:
    noise = Noise(page.context, site)
    for path in PUBLIC:
        page.goto(path)
    log_in(page, ada)
    press_refresh(page)
    ask_the_api(page)
    for name in ("Sessions", "Activity", "Your data", "Password"):
        open_section(page, name)
    enter_passwords(page, ada.password)
    page.locator(".done").wait_for()
    for path in ACCOUNT:
        page.goto(path)
        page.locator("#content [data-view]").wait_for()
    log_out(page)
    ask_for_account(page, CAROL)
    open_mailed_link(page, registration_path(site, CAROL, ask=False))
    choose_password(page, ada.password)
    at_account(page)
    log_out(page)
    assert noise.heard == []


def test_anonymous_visitor_calls_nothing_protected(page: Page, site: GunicornServer) -> None:
    noise = Noise(page.context, site)
    for path in PUBLIC:
        page.goto(path, wait_until="networkidle")
    assert noise.heard == []
    assert [path for path in noise.asked if path.startswith(("/auth", "/api", "/frag"))] == []


def packed(texts: Iterable[str]) -> int:
    """Return what texts weigh on the wire over https, where every browser takes brotli."""
    return sum(len(brotli.compress(text.encode())) for text in texts)


@pytest.mark.parametrize("path", [*PUBLIC, *ACCOUNT])
def test_weight(page: Page, context: BrowserContext, ada: Person, path: str) -> None:
    loaded: dict[str, list[Response]] = {"js": [], "css": []}

    def note(answer: Response) -> None:
        kind = urlsplit(answer.url).path.rpartition(".")[2]
        loaded.get(kind, []).append(answer)

    page.on("response", note)
    if path in ACCOUNT:
        cookie_only(context, ada)
    page.goto(path, wait_until="networkidle")
    if path in ACCOUNT:
        page.locator("#content [data-view]").wait_for()
    scripts = [answer.text() for answer in loaded["js"]]
    assert bool(scripts) == (path in {"/", "/login", "/threats", "/browsers", *ACCOUNT})
    assert len(scripts) == len({answer.url for answer in loaded["js"]})
    assert packed(scripts) < MAX_JS
    assert 0 < packed(answer.text() for answer in loaded["css"]) < MAX_CSS


@pytest.mark.parametrize("width", [320, 1280])
def test_nothing_jumps(page: Page, context: BrowserContext, ada: Person, width: int) -> None:
    context.add_init_script(SHIFTS)
    page.set_viewport_size({"width": width, "height": 800})
    cookie_only(context, ada)
    for path in (*PUBLIC, *ACCOUNT):
        page.goto(path)
        if path in ACCOUNT:
            page.locator("#content [data-view]").wait_for()
        assert shifted(page) < MAX_SHIFT, path
    for name in ("Overview", "Sessions", "Activity", "Password", "Your data", "Overview"):
        page.evaluate("window.shift = 0")
        open_section(page, name)
        assert shifted(page) < MAX_SHIFT, name
    # The measure measures:
    page.evaluate(
        "document.body.prepend(Object.assign(document.createElement('p'),"
        " { textContent: 'x\\n'.repeat(99), className: 'answer' }))"
    )
    page.evaluate(JUMPED)


def test_times_are_in_the_readers_zone(
    browser: Browser, site: GunicornServer, ada: Person
) -> None:
    with browser.new_context(
        base_url=site.url, timezone_id="Asia/Tokyo", locale="en-US"
    ) as context:
        page = context.new_page()
        log_in(page, ada)
        times = page.locator("#content time").all()
        assert len(times) >= 3
        for one in page.locator("#content time[datetime]").all():
            exact = datetime.fromisoformat(one.get_attribute("datetime") or "")
            assert exact.tzinfo == UTC
            local = exact.astimezone(TOKYO)
            title = (one.get_attribute("title") or "").replace("\u202f", " ")
            assert f"{local:%A, %B} {local.day}, {local.year}" in title
            assert f"{local.hour % 12 or 12}:{local:%M:%S %p} GMT+9" in title
            assert one.inner_text() in {"just now", "in 24 hours", "tomorrow", "in 1 day"}
