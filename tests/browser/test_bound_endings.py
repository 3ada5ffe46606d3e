"""How a bound session ends in a real browser, or goes on without its key."""

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.support.browsing import (
    MISTYPED,
    NEW_PASSWORD,
    Person,
    at_account,
    at_login,
    families,
    live,
    log_in,
    log_out,
    open_account,
    password_is_changed,
    press_refresh,
    reload,
    send,
    submit,
)
from tests.support.key_store import KEY, NO_STORAGE, Traffic
from tests.support.servers.gunicorn import GunicornServer


def test_logout_in_another_tab_leaves_no_key_in_use(
    page: Page, context: BrowserContext, site: GunicornServer, ada: Person
) -> None:
    """A log-in page that was open meanwhile uses the key that is stored now, not the former."""
    other = context.new_page()
    other.goto("/login")
    send(other, MISTYPED)
    expect(other.get_by_role("alert")).to_be_visible()
    log_in(page, ada)
    former = live(site)[0]["jkt"]
    log_out(page)
    send(other, ada)
    at_account(other)
    reload(other)
    key = other.evaluate(KEY)["jkt"]
    assert [family["jkt"] for family in live(site)] == [key]
    assert key != former


def test_password_changed_while_a_refresh_is_in_flight(
    page: Page, context: BrowserContext, site: GunicornServer, ada: Person
) -> None:
    """The old session's answer comes last and revives nothing; both tabs go on in the new one."""
    log_in(page, ada)
    other = open_account(context, "/account/password")
    held: list[Route] = []
    page.route("**/auth/refresh", lambda route: held.append(route), times=1)  # noqa: PLW0108
    page.bring_to_front()
    page.get_by_role("button", name="Refresh now").click()
    expect(page.locator(".said")).to_have_text("Refreshing…")
    other.bring_to_front()
    other.get_by_label("Current password", exact=True).fill(ada.password)
    other.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    page.wait_for_timeout(100)
    submit(other)
    page.wait_for_timeout(500)  # it waits for its turn, or goes ahead
    held[0].continue_()
    password_is_changed(other)
    at_account(page)
    reload(page)
    assert len(families(site)) == 2
    assert [family["jkt"] for family in live(site)] == [page.evaluate(KEY)["jkt"]]


@pytest.mark.parametrize("how", NO_STORAGE)
def test_browser_that_keeps_no_key_logs_in_unbound(
    page: Page, context: BrowserContext, site: GunicornServer, ada: Person, how: str
) -> None:
    """Where no key can be kept, everything works as it does for a program: Bearer, strictly."""
    context.add_init_script(NO_STORAGE[how])
    traffic = Traffic(page)
    log_in(page, ada)
    press_refresh(page)
    reload(page)
    assert [family["jkt"] for family in live(site)] == [None]
    assert traffic.schemes() == {"Bearer"}


@pytest.mark.parametrize(
    ("where", "what"),
    [
        ("IDBFactory.prototype.open", "UnknownError"),
        ("IDBDatabase.prototype.transaction", "InvalidStateError"),
    ],
)
def test_key_out_of_reach_for_a_moment_ends_no_session(
    page: Page, site: GunicornServer, ada: Person, where: str, what: str
) -> None:
    """A store that fails just now is like a lost connection: nothing is sent without a proof."""
    log_in(page, ada)
    page.add_init_script(
        f"""
        const real = {where};
        window.calls = 0;
        {where} = function (...given) {{
          if (window.calls++ > 3) return Reflect.apply(real, this, given);
          throw new DOMException('not now', '{what}');
        }};
        """
    )
    traffic = Traffic(page)
    reload(page)
    assert page.evaluate("calls") > 4
    assert traffic.of("/auth/refresh") == [200]
    assert len(live(site)) == 1


def test_key_lost_while_the_cookie_stays_is_explained(
    page: Page, site: GunicornServer, ada: Person
) -> None:
    log_in(page, ada)
    page.evaluate(
        "new Promise((resolve, reject) => { const gone = indexedDB.deleteDatabase('latchkey');"
        " gone.onsuccess = () => resolve(); gone.onerror = gone.onblocked = () => reject(); })"
    )
    page.reload()
    at_login(page, "session_ended")
    log_in(page, ada)
    page.goto("/account/sessions")
    at_account(page, "Your sessions")
    told = page.get_by_role("list", name="Sessions that were ended to protect you")
    expect(told).to_contain_text("this browser lost the key")
    assert live(site)[0]["jkt"] == page.evaluate(KEY)["jkt"]
