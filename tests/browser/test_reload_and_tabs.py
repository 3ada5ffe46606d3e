"""Reloading, several tabs, and the way back: one session that no tab can lose or revive."""

from collections.abc import Callable
from typing import Final

import psutil
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.support.browsing import (
    MISTYPED,
    NEW_PASSWORD,
    NO_LOCK,
    Device,
    Person,
    at_account,
    at_login,
    cookie_only,
    enter_passwords,
    live,
    load_at_once,
    log_in,
    log_out,
    open_account,
    open_section,
    password_is_changed,
    posts,
    refresh_cookie,
    reload,
    section,
    send,
)
from tests.support.servers.gunicorn import GunicornServer

TABS: Final = 5


def test_reload_keeps_the_session(page: Page, site: GunicornServer, ada: Person) -> None:
    log_in(page, ada)
    before = live(site)[0]
    sent = posts(page)
    reload(page)
    assert sent == ["/auth/refresh"]
    page.goto("/threats")
    page.goto("/account/sessions")
    at_account(page, "Your sessions")
    after = live(site)
    assert [family["family_id"] for family in after] == [before["family_id"]]
    assert after[0]["generation"] == before["generation"] + 2
    assert refresh_cookie(page.context)


def test_tabs_opened_at_once_all_work(
    context: BrowserContext, site: GunicornServer, ada: Person
) -> None:
    cookie_only(context, ada)
    tabs = [context.new_page() for _ in range(TABS)]
    load_at_once(tabs, f"{site.url}/account")
    for tab in tabs:
        open_section(tab, "Sessions")
        expect(tab.locator("[data-session]")).to_have_count(1)
    tabs[0].reload()
    at_account(tabs[0], "Your sessions")
    assert len(live(site)) == 1


def test_tab_that_waits_for_a_slow_one_spends_nothing_twice(
    context: BrowserContext, site: GunicornServer, ada: Person
) -> None:
    """A tab that waits for another one's slow refresh does not send the same token again.

    The module's patience runs at a fifth here: 1.5 s stand for 7.5 s.
    """
    context.add_init_script(
        "const { timeout } = AbortSignal;"
        "AbortSignal.timeout = ms => timeout.call(AbortSignal, ms / 5)"
    )
    log_in(context.new_page(), ada)
    slow, waiting = (open_account(context) for _ in range(2))
    workers = [psutil.Process(pid) for pid in site.workers]
    for worker in workers:
        worker.suspend()
    try:
        for tab in (slow, waiting):
            tab.locator("#refresh").dispatch_event("click")
        waiting.wait_for_timeout(1500)  # the time that passes is what is tested
    finally:
        for worker in workers:
            worker.resume()
    for tab in (slow, waiting):
        tab.locator(".said", has_text="Done.").wait_for()
    assert len(live(site)) == 1


def test_tabs_that_cannot_take_turns_lose_nothing(
    context: BrowserContext, site: GunicornServer, ada: Person
) -> None:
    """Without the lock a token may be spent twice: the key tells that from theft."""
    context.add_init_script(NO_LOCK)
    cookie_only(context, ada)
    tabs = [context.new_page() for _ in range(3)]
    load_at_once(tabs, f"{site.url}/account")
    assert len(live(site)) == 1


def test_logout_is_seen_in_other_tabs(page: Page, site: GunicornServer, ada: Person) -> None:
    log_in(page, ada)
    others = [open_account(page.context, path) for path in ("/account", "/account/password")]
    log_out(page)
    for other in others:
        at_login(other, "logged_out")
        assert ada.email not in other.content()
    assert live(site) == []


@pytest.mark.parametrize("told", [True, False])
def test_another_user_in_another_tab(page: Page, ada: Person, bob: Person, *, told: bool) -> None:
    """Once somebody else logs in here, no tab shows or asks anything as the former user.

    Also when a tab could not be told: it finds out with its next request.
    """
    if not told:
        page.context.add_init_script("delete window.BroadcastChannel")
    log_in(page, ada)
    log_in(page.context.new_page(), bob)
    if not told:
        open_section(page, "Sessions")
        section(page, "Overview")
    content = page.locator("#content")
    expect(content).to_contain_text(bob.email)
    expect(content).to_be_visible()
    assert ada.email not in page.content()


def test_session_ended_elsewhere_leads_back_after_login(
    page: Page, context: BrowserContext, ada: Person, phone: Device
) -> None:
    log_in(page, ada)
    phone.log_in()
    phone.end_others()
    section(page, "Sessions")
    at_login(page, "session_ended")
    expect(page.locator("main")).to_contain_text("ended from another device")
    assert refresh_cookie(context) is None
    send(page, ada)
    page.wait_for_url("**/account/sessions")
    at_account(page, "Your sessions")
    expect(page.locator("[data-session]")).to_have_count(2)
    assert phone.me() == 200


def test_password_change_in_one_tab(
    page: Page, context: BrowserContext, site: GunicornServer, ada: Person, phone: Device
) -> None:
    log_in(page, ada)
    other = open_account(context, "/account/sessions")
    at_account(other, "Your sessions")
    phone.log_in()
    section(page, "Password")
    enter_passwords(page, MISTYPED.password)
    expect(page.locator("#current_password-fault")).not_to_be_empty()
    enter_passwords(page, ada.password)
    password_is_changed(page)
    assert phone.me() == 401
    assert len(live(site)) == 1
    open_section(other, "Overview")
    expect(other.locator("#content")).to_contain_text(ada.email)
    section(page, "Sessions")
    expect(page.locator("[data-session]")).to_have_count(1)
    log_out(page)
    log_in(page, Person(ada.email, NEW_PASSWORD))


def test_ending_sessions_from_the_list(
    page: Page, site: GunicornServer, ada: Person, device: Callable[[Person], Device]
) -> None:
    devices = [device(ada) for _ in range(3)]
    for one in devices:
        one.log_in()
    log_in(page, ada)
    section(page, "Sessions")
    rows = page.locator("[data-session]")
    expect(rows).to_have_count(4)
    rows.nth(1).locator("summary").click()
    rows.nth(1).get_by_role("button", name="Cancel").click()
    expect(rows).to_have_count(4)
    rows.nth(1).locator("summary").click()
    rows.nth(1).get_by_role("button", name="End session").click()
    expect(rows).to_have_count(3)
    assert sorted(one.me() for one in devices) == [200, 200, 401]
    page.get_by_text("End all other sessions").click()
    page.get_by_role("button", name="End the others").click()
    expect(rows).to_have_count(1)
    expect(page.locator("main")).to_contain_text("You are logged in on this device only.")
    assert {one.me() for one in devices} == {401}
    page.locator(".all").get_by_text("Log out everywhere").first.click()
    page.get_by_role("button", name="Log out everywhere").click()
    at_login(page, "logged_out")
    assert live(site) == []
