"""While the dialog asks for the password: other tabs, log-outs, and a bad network."""

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.support.browsing import (
    Person,
    at_account,
    at_login,
    live,
    log_in,
    log_out,
    open_account,
    posts,
)
from tests.support.reauthentication import (
    AT_ONCE,
    PATH,
    answer,
    end_the_others,
    question,
    said,
)
from tests.support.servers.gunicorn import GunicornServer


@pytest.fixture
def tab(old: Page) -> Page:
    """A second tab of the same browser, with an access token of its own that is as old."""
    return open_account(old.context, "/account/sessions")


def test_an_answer_in_one_tab_is_one_for_both(old: Page, tab: Page, ada: Person) -> None:
    """The other tab's dialog closes, and its request is repeated with a token of its own."""
    sent = posts(tab)
    tab.evaluate(AT_ONCE)
    question(tab)
    old.evaluate(AT_ONCE)
    old.bring_to_front()
    answer(old, ada.password)
    assert old.evaluate("window.ended") == [404, 404, 404]
    expect(tab.locator("dialog")).to_have_count(0)
    assert tab.evaluate("window.ended") == [404, 404, 404]
    assert PATH not in sent


def test_a_tab_without_a_dialog_is_not_asked(old: Page, tab: Page, ada: Person) -> None:
    """Its token is older than the answer in the other tab: it gets a newer one by itself."""
    old.bring_to_front()
    old.evaluate(AT_ONCE)
    answer(old, ada.password)
    assert old.evaluate("window.ended") == [404, 404, 404]
    tab.bring_to_front()
    tab.evaluate(AT_ONCE)
    assert tab.evaluate("window.ended") == [404, 404, 404]
    expect(tab.locator("dialog")).to_have_count(0)


def test_a_log_out_in_another_tab_closes_it(old: Page, tab: Page) -> None:
    """What waited is rejected as after any log-out, and the page goes to the log-in."""
    end_the_others(old)
    question(old)
    log_out(tab)
    at_login(old, "logged_out")
    expect(old.locator("dialog")).to_have_count(0)


def test_another_user_is_not_asked_for_it(
    old: Page, tab: Page, site: GunicornServer, bob: Person
) -> None:
    """Somebody else logs in, in another tab: the request is not repeated as theirs."""
    old.evaluate(AT_ONCE)
    question(old)
    tab.bring_to_front()
    log_in(tab, bob)
    old.bring_to_front()
    expect(old.locator("dialog")).to_have_count(0)
    codes = {one["code"] for one in old.evaluate("window.ended")}
    assert codes <= {"superseded", "session_ended"}
    assert len(live(site)) == 2


def test_the_way_back_does_not_bring_it_back(old: Page) -> None:
    """A page that was left has no question open; what waited for it is rejected."""
    end_the_others(old)
    question(old)
    old.goto("/threats")
    old.go_back()
    at_account(old, "Your sessions")
    expect(old.locator("dialog")).to_have_count(0)


def test_a_lost_answer_is_asked_for_again(old: Page, context: BrowserContext, ada: Person) -> None:
    """The server had renewed the time; the same request again does no harm."""
    lost: list[int] = []

    def lose(route: Route) -> None:
        if lost:
            route.fallback()
            return
        lost.append(route.fetch().status)
        route.abort()

    context.route(f"**{PATH}", lose)
    end_the_others(old)
    answer(old, ada.password)
    said(old, "Session ended")
    assert lost == [200]


def test_without_network_it_says_so_and_waits(
    old: Page, context: BrowserContext, ada: Person
) -> None:
    """The password stays in the field, and the button works when the network is back."""
    end_the_others(old)
    question(old)
    context.set_offline(True)
    answer(old, ada.password)
    alert = old.get_by_role("dialog").get_by_role("alert")
    expect(alert).to_have_text("The server could not be reached.")
    context.set_offline(False)
    old.get_by_role("button", name="Confirm").click()
    said(old, "Session ended")


def test_a_dialog_that_cannot_be_loaded_can_be_later(
    old: Page, context: BrowserContext, ada: Person
) -> None:
    """Its script comes on demand, also over a network that loses it once."""
    context.route("**/reauthenticate.js*", lambda route: route.abort(), times=1)
    end_the_others(old)
    said(old, "The server could not be reached.")
    end_the_others(old)
    answer(old, ada.password)
    said(old, "Session ended")


def test_a_refresh_meanwhile_changes_nothing(
    old: Page, tab: Page, ada: Person, site: GunicornServer
) -> None:
    """Another tab rotates while the answer is on its way: the cookie stays the newest one."""
    end_the_others(old)
    question(old)
    tab.goto("/account")
    at_account(tab)
    tab.get_by_role("button", name="Refresh now").click()
    tab.locator(".said", has_text="Done.").wait_for()
    answer(old, ada.password)
    said(old, "Session ended")
    for page in (tab, old):
        page.reload()
        page.locator("#content [data-view]").wait_for()
    assert len(live(site)) == 1
