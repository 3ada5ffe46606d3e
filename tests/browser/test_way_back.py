"""The way back in the history shows what the session may see now."""

import re
from collections.abc import Callable, Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, Playwright, Route, expect

from tests.browser.conftest import DEADLINE_MS, FLAGS, chromium
from tests.support.browsing import (
    Device,
    Person,
    at_account,
    at_login,
    live,
    log_in,
    log_out,
    module,
    open_account,
    open_section,
    posts,
    section,
)
from tests.support.servers.gunicorn import GunicornServer

# Says when a page came back as it was left, and whether anything private could be read in it.
WATCH: Final = """
addEventListener('pageshow', ({ persisted }) => {
  if (!persisted) return;
  console.info('kept page');
  const look = () => {
    if (document.body.innerText.includes('@')) console.info('shows an address');
    else requestAnimationFrame(look);
  };
  look();
});
"""


@pytest.fixture(scope="module")
def remembering_browser(playwright: Playwright) -> Iterator[Browser]:
    """A Chromium that keeps left pages for the way back; Playwright's own does not."""
    browser = playwright.chromium.launch(
        executable_path=chromium(),
        args=FLAGS,
        ignore_default_args=["--disable-back-forward-cache"],
    )
    yield browser
    browser.close()


@pytest.fixture
def tab(remembering_browser: Browser, site: GunicornServer, ada: Person) -> Iterator[Page]:
    """A tab of Ada's in it, whose pages tell what could be read after coming back."""
    with remembering_browser.new_context(base_url=site.url) as context:
        context.set_default_timeout(DEADLINE_MS)
        context.add_init_script(WATCH)
        context.route("**/*", keepable)
        tab = context.new_page()
        log_in(tab, ada)
        yield tab


def keepable(route: Route) -> None:
    """Let a page be kept: Chromium keeps no account page, others do in spite of no-store."""
    if not route.request.is_navigation_request():
        route.fallback()
        return
    answer = route.fetch(max_redirects=0)
    headers = {name: value for name, value in answer.headers.items() if name != "cache-control"}
    route.fulfill(response=answer, headers=headers)


def test_back_and_forward_between_account_pages(page: Page, ada: Person) -> None:
    log_in(page, ada)
    page.evaluate("window.kept = true")
    sent = posts(page)
    open_section(page, "Sessions")
    section(page, "Password")
    for move, path, heading in (
        (None, "/account/password", "Change your password"),
        (page.go_back, "/account/sessions", "Your sessions"),
        (page.go_back, "/account", "Your account"),
        (page.go_forward, "/account/sessions", "Your sessions"),
    ):
        if move:
            move(wait_until="commit")
        at_account(page, heading)
        expect(page).to_have_url(re.compile(path + "$"))
        expect(page).to_have_title(re.compile(f"^{heading}\\b"))
        expect(page.locator("#content h1")).to_be_focused()
        expect(page.locator(".sections [aria-current]")).to_have_attribute("href", path)
    assert page.evaluate("window.kept")
    assert sent == []


CACHED: Final = """
paths => Promise.all(paths.map(path =>
  fetch(path, { cache: 'only-if-cached', mode: 'same-origin' }).then(({ ok }) => ok, () => false)))
"""

PRIVATE: Final = ["/account", "/account/sessions", "/fragments/account", "/fragments/sessions"]


def leave_by_plain_form(page: Page) -> None:
    """Log out as without script: the form's own post, which no listener sees."""
    page.evaluate("document.querySelector('form.logout').submit()")
    at_login(page, "logged_out")


@pytest.mark.parametrize("leave", [log_out, leave_by_plain_form])
def test_way_back_after_logging_out_shows_nothing(
    page: Page, ada: Person, leave: Callable[[Page], None]
) -> None:
    log_in(page, ada)
    open_section(page, "Sessions")
    kept = page.evaluate(module("session"))
    leave(page)
    assert page.evaluate(CACHED, [*PRIVATE, kept]) == [False] * 4 + [True]
    page.go_back(wait_until="commit")
    at_login(page, "session_ended")
    assert ada.email not in page.content()


def test_kept_page_after_a_plain_logout_shows_nothing(tab: Page, ada: Person) -> None:
    """A browser that keeps the page in spite of no-store brings it back empty."""
    said: list[str] = []
    tab.on("console", lambda message: said.append(message.text))
    leave_by_plain_form(tab)
    tab.go_back(wait_until="commit")
    at_login(tab, "session_ended")
    assert "shows an address" not in said
    assert ada.email not in tab.content()


def test_kept_page_after_logout_elsewhere_shows_nothing(
    tab: Page, ada: Person, phone: Device
) -> None:
    expect(tab.locator("#content")).to_contain_text(ada.email)
    tab.goto("/threats")
    phone.log_in()
    phone.end_others()
    said: list[str] = []
    tab.on("console", lambda message: said.append(message.text))
    tab.go_back(wait_until="commit")
    at_login(tab, "session_ended")
    assert "kept page" in said
    assert "shows an address" not in said
    assert ada.email not in tab.content()


def test_kept_page_after_logout_here_shows_nothing(tab: Page, ada: Person) -> None:
    tab.goto("/threats")
    other = open_account(tab.context, "/account")
    log_out(other)
    tab.go_back(wait_until="commit")
    tab.wait_for_url("**/login?notice=*")
    assert ada.email not in tab.content()


def test_kept_page_of_a_live_session_goes_on(tab: Page, ada: Person, site: GunicornServer) -> None:
    tab.goto("/threats")
    with tab.expect_console_message(lambda message: message.text == "shows an address"):
        tab.go_back(wait_until="commit")
    at_account(tab)
    expect(tab.locator("#content")).to_contain_text(ada.email)
    assert len(live(site)) == 1


def test_kept_page_of_a_former_user_shows_the_new_one(tab: Page, ada: Person, bob: Person) -> None:
    tab.goto("/threats")
    log_in(tab.context.new_page(), bob)
    tab.go_back(wait_until="commit")
    expect(tab.locator("#content")).to_contain_text(bob.email)
    assert ada.email not in tab.content()
