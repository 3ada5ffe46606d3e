"""A log-out that was asked for is finished as soon as the server can be reached."""

from typing import Final

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.support.browsing import (
    MISTYPED,
    Person,
    at_account,
    at_login,
    live,
    log_in,
    open_account,
    refresh_cookie,
    reload,
    send,
)
from tests.support.servers.gunicorn import GunicornServer

LOG_OUT: Final = "**/auth/logout"
PATIENCE_MS: Final = 40_000  # the third pause between attempts can take ten seconds


@pytest.fixture(autouse=True)
def patience(context: BrowserContext) -> None:
    context.set_default_timeout(PATIENCE_MS)


def refuse(route: Route) -> None:
    route.abort("connectionrefused")


def overloaded(route: Route) -> None:
    route.fulfill(status=503, headers={"Retry-After": "1"}, body="not now")


def ask(page: Page) -> None:
    page.get_by_role("button", name="Log out", exact=True).click()
    waits(page)


def waits(page: Page) -> None:
    """Check that a page says so, and that it shows nothing of the account."""
    page.bring_to_front()
    expect(page.get_by_role("alert")).to_contain_text("Logging out…")
    assert "@" not in page.locator("body").inner_text()


def test_without_a_connection(page: Page, site: GunicornServer, ada: Person) -> None:
    log_in(page, ada)
    other = open_account(page.context, "/account/sessions")
    page.bring_to_front()
    page.context.set_offline(offline=True)
    ask(page)
    waits(other)
    assert len(live(site)) == 1
    page.context.set_offline(offline=False)
    for tab in (page, other):
        at_login(tab, "logged_out")
    assert live(site) == []
    assert refresh_cookie(page.context) is None


@pytest.mark.parametrize("answer", [refuse, overloaded])
def test_after_a_reload_and_in_a_new_tab(
    page: Page, context: BrowserContext, site: GunicornServer, ada: Person, answer: object
) -> None:
    log_in(page, ada)
    context.route(LOG_OUT, answer)  # type: ignore[arg-type]
    ask(page)
    page.reload()
    waits(page)
    page.goto("/threats")
    page.go_back()
    waits(page)
    other = context.new_page()
    other.goto("/account/password")
    waits(other)
    assert len(live(site)) == 1
    context.unroute(LOG_OUT)
    for tab in (page, other):
        at_login(tab, "logged_out")
    assert live(site) == []


def test_after_the_page_was_closed(page: Page, site: GunicornServer, ada: Person) -> None:
    log_in(page, ada)
    page.context.route(LOG_OUT, refuse)
    ask(page)
    page.close()
    page.context.unroute(LOG_OUT)
    other = page.context.new_page()
    with other.expect_response(LOG_OUT) as heard:
        other.goto("/login")
    assert heard.value.status == 204
    assert live(site) == []
    assert refresh_cookie(page.context) is None
    log_in(other, ada)
    reload(other)


@pytest.mark.parametrize("after", [False, True])
def test_log_in_that_comes_later_stays(
    page: Page, context: BrowserContext, site: GunicornServer, ada: Person, *, after: bool
) -> None:
    """It is not ended by the former log-out, and the tab that waited goes on in it."""
    log_in(page, ada)
    context.route(LOG_OUT, refuse)
    ask(page)
    other = context.new_page()
    other.goto("/login")
    if after:
        send(other, MISTYPED)
        expect(other.get_by_role("alert")).to_contain_text("Incorrect e-mail or password.")
        waits(page)
    send(other, ada)
    at_account(other)
    context.unroute(LOG_OUT)
    at_account(page)
    other.wait_for_timeout(2500)  # longer than it takes until the log-out is tried again
    for tab in (page, other):
        reload(tab)
    assert len(live(site)) == 1


def test_while_the_server_is_down(page: Page, site: GunicornServer, ada: Person) -> None:
    log_in(page, ada)
    site.stop()
    try:
        ask(page)
    finally:
        page.context.route(
            LOG_OUT, refuse
        )  # the first page must not finish before there is a second
        site.start()
    other = page.context.new_page()
    other.goto("/account")
    waits(other)
    page.context.unroute(LOG_OUT)
    for tab in (page, other):
        at_login(tab, "logged_out")
    assert live(site) == []


STORES: Final = {
    "none": """
      IDBFactory.prototype.open = () => { throw new DOMException('denied', 'SecurityError'); };
    """,
    "full": """
      IDBObjectStore.prototype.put = IDBObjectStore.prototype.add = () => {
        throw new DOMException('full', 'QuotaExceededError');
      };
    """,
}


@pytest.mark.parametrize("store", STORES)
def test_where_nothing_can_be_stored(
    page: Page, context: BrowserContext, site: GunicornServer, ada: Person, store: str
) -> None:
    """The page alone remembers it, tries more than once, and finishes it all the same."""
    context.add_init_script(STORES[store])
    log_in(page, ada)
    context.route(LOG_OUT, refuse)
    ask(page)
    for _ in range(2):
        with page.expect_request(LOG_OUT):
            pass
        waits(page)
    context.unroute(LOG_OUT)
    at_login(page, "logged_out")
    assert live(site) == []
