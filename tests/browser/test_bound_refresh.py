"""A bound session outlives lost answers, reloads, crashes and stale nonces."""

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.support.browsing import (
    MISTYPED,
    Person,
    ask_the_api,
    at_account,
    families,
    live,
    log_in,
    open_account,
    press_refresh,
    reload,
    send,
)
from tests.support.key_store import STALE, Traffic, lose, reload_soon, stored
from tests.support.servers.gunicorn import GunicornServer


@pytest.mark.parametrize("reloaded", [False, True])
def test_lost_refresh_answer_costs_nothing(
    page: Page, context: BrowserContext, site: GunicornServer, ada: Person, *, reloaded: bool
) -> None:
    """The cookie that came back never arrived: the spent one gets the same successor again."""
    log_in(page, ada)
    before = stored(context)
    page.route("**/auth/refresh", lose, times=1)
    if reloaded:
        reload(page)
    else:
        press_refresh(page)
    assert stored(context) != before
    [family] = families(site)
    assert (family["generation"], family["retries"], family["revoked_at"]) == (1, 1, None)


def test_refresh_does_not_outlive_its_page(page: Page, ada: Person) -> None:
    """So that no cookie comes after those of the next page, or for a key that is gone."""
    page.add_init_script(
        "const { fetch } = window; window.kept = {};"
        "window.fetch = (url, init) => {"
        " window.kept[url] = !!init.keepalive; return fetch(url, init); }"
    )
    log_in(page, ada)
    press_refresh(page)
    kept = page.evaluate("kept")
    assert (kept["/auth/login"], kept["/auth/refresh"]) == (False, False)


def test_storm_of_reloads_logs_nobody_out(page: Page, site: GunicornServer, ada: Person) -> None:
    log_in(page, ada)
    for count in range(10):
        reload_soon(page)
        page.wait_for_timeout(20 * count)  # the moment of the next reload is what is varied
    at_account(page)
    press_refresh(page)
    assert len(live(site)) == 1
    assert len(families(site)) == 1


def test_storm_in_five_tabs_logs_nobody_out(
    context: BrowserContext, site: GunicornServer, ada: Person
) -> None:
    log_in(context.new_page(), ada)
    tabs = [open_account(context) for _ in range(5)]
    for count in range(5):
        for tab in tabs:
            reload_soon(tab)
        tabs[0].wait_for_timeout(40 * count)  # the moment of the next reload is what is varied
    for tab in tabs:
        at_account(tab)
    assert len(live(site)) == 1
    assert len(families(site)) == 1


def test_tab_that_crashed_with_the_lock_holds_up_nobody(
    context: BrowserContext, site: GunicornServer, ada: Person
) -> None:
    """Its lock is free at once, and what it spent is no theft."""
    log_in(context.new_page(), ada)
    doomed, other = (open_account(context) for _ in range(2))
    doomed.route("**/auth/refresh", lambda _: None)  # never answered
    doomed.bring_to_front()
    doomed.get_by_role("button", name="Refresh now").click()
    expect(doomed.locator(".said")).to_have_text("Refreshing…")
    devtools = context.new_cdp_session(doomed)
    crash = devtools._impl_obj.send("Page.crash", {}, None)  # noqa: SLF001 - it never answers
    devtools._loop.create_task(crash)  # noqa: SLF001
    doomed.wait_for_event("crash")
    press_refresh(other)
    assert len(live(site)) == 1


@pytest.mark.parametrize("hours", [-1, 1])
def test_wrong_clock_does_no_harm(
    page: Page, context: BrowserContext, site: GunicornServer, ada: Person, hours: int
) -> None:
    shift = f"const {{ now }} = Date; Date.now = () => now() + {hours * 3_600_000};"
    context.add_init_script(shift)
    log_in(page, ada)
    traffic = Traffic(page)
    reload(page)
    ask_the_api(page)
    assert traffic.of("/auth/refresh") == traffic.of("/api/me") == [200]
    assert len(live(site)) == 1


def test_stale_nonce_costs_one_repeat(page: Page, site: GunicornServer, ada: Person) -> None:
    nonce = {"DPoP-Nonce": "a-nonce-of-long-ago"}
    page.route("**/stale", lambda route: route.fulfill(headers=nonce))
    traffic = Traffic(page)
    page.goto("/login")
    assert page.evaluate(STALE) == "a-nonce-of-long-ago"
    send(page, MISTYPED)
    expect(page.get_by_role("alert")).to_be_visible()
    assert traffic.of("/auth/login") == [400, 401]
    page.evaluate(STALE)
    send(page, ada)
    at_account(page)
    assert traffic.of("/auth/login") == [400, 401, 400, 200]
    page.evaluate(STALE)
    press_refresh(page)
    assert traffic.of("/auth/refresh") == [400, 200]
    page.evaluate(STALE)
    ask_the_api(page)
    assert traffic.of("/api/me") == [401, 200]
    assert traffic.of("/auth/refresh") == [400, 200]
    assert len(families(site)) == 1


def test_page_brings_a_nonce(page: Page, ada: Person) -> None:
    traffic = Traffic(page)
    log_in(page, ada)
    reload(page)
    nonce = page.locator("meta[name=dpop-nonce]").get_attribute("content") or ""
    assert re.fullmatch(r"[\w-]{32}", nonce)
    assert traffic.of("/auth/login") == traffic.of("/auth/refresh") == [200]
