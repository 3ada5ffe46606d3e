"""The way back in the history shows what the session may see now."""

import re
from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, Route, expect

from tests.browser.conftest import DEADLINE_MS, FLAGS, chromium
from tests.support.browsing import (
    Device,
    Person,
    at_account,
    at_login,
    live,
    log_in,
    log_out,
    open_account,
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
def remembering_context(
    remembering_browser: Browser, site: GunicornServer
) -> Iterator[BrowserContext]:
    """A fresh profile in it, whose pages tell what could be read after coming back."""
    context = remembering_browser.new_context(base_url=site.url)
    context.set_default_timeout(DEADLINE_MS)
    context.add_init_script(WATCH)
    context.route("**/*", keepable)
    yield context
    context.close()


def keepable(route: Route) -> None:
    """Let a page be kept: Chromium keeps no account page, others do in spite of no-store."""
    if not route.request.is_navigation_request():
        route.fallback()
        return
    answer = route.fetch(max_redirects=0)
    headers = {name: value for name, value in answer.headers.items() if name != "cache-control"}
    route.fulfill(response=answer, headers=headers)


def test_back_and_forward_between_account_pages(page: Page, ada: Person) -> None:
    """Moving between account pages keeps the document; title, focus and mark follow."""
    log_in(page, ada)
    page.evaluate("window.kept = true")
    sent = posts(page)
    section(page, "Sessions")
    at_account(page, "Your sessions")
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


def test_way_back_after_logout_shows_nothing(page: Page, ada: Person) -> None:
    """After logging out the back button leads to the log-in page, never to the account."""
    log_in(page, ada)
    section(page, "Sessions")
    at_account(page, "Your sessions")
    log_out(page)
    page.go_back(wait_until="commit")
    at_login(page, "session_ended")
    assert ada.email not in page.content()


CACHED: Final = """
paths => Promise.all(paths.map(path =>
  fetch(path, { cache: 'only-if-cached', mode: 'same-origin' }).then(({ ok }) => ok, () => false)))
"""


PRIVATE: Final = ["/account", "/account/sessions", "/fragments/account", "/fragments/sessions"]


def leave_by_plain_form(page: Page) -> None:
    """Log out as without script: the form's own post, which no listener sees."""
    page.evaluate("document.querySelector('form.logout').submit()")
    at_login(page, "logged_out")


def test_way_back_after_a_plain_logout_shows_nothing(page: Page, ada: Person) -> None:
    """Also when the form was sent without script: no page and no fragment is in any cache."""
    log_in(page, ada)
    section(page, "Sessions")
    at_account(page, "Your sessions")
    leave_by_plain_form(page)
    assert page.evaluate(CACHED, [*PRIVATE, "/static/js/session.js"]) == [False] * 4 + [True]
    page.go_back(wait_until="commit")
    at_login(page, "session_ended")
    assert ada.email not in page.content()


def test_kept_page_after_a_plain_logout_shows_nothing(
    remembering_context: BrowserContext, ada: Person
) -> None:
    """A browser that keeps the page in spite of no-store brings it back empty."""
    page = remembering_context.new_page()
    log_in(page, ada)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    leave_by_plain_form(page)
    page.go_back(wait_until="commit")
    at_login(page, "session_ended")
    assert "shows an address" not in said
    assert ada.email not in page.content()


def test_kept_page_after_logout_elsewhere_shows_nothing(
    remembering_context: BrowserContext, ada: Person, phone: Device
) -> None:
    """A page kept by the back/forward cache comes back empty when its session has ended."""
    page = remembering_context.new_page()
    log_in(page, ada)
    expect(page.locator("#content")).to_contain_text(ada.email)
    page.goto("/threats")
    phone.log_in()
    phone.end_others()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.go_back(wait_until="commit")
    at_login(page, "session_ended")
    assert "kept page" in said
    assert "shows an address" not in said
    assert ada.email not in page.content()


def test_kept_page_after_logout_here_shows_nothing(
    remembering_context: BrowserContext, ada: Person
) -> None:
    """Neither does one when another tab of the same browser has logged out meanwhile."""
    page = remembering_context.new_page()
    log_in(page, ada)
    page.goto("/threats")
    other = open_account(remembering_context, "/account")
    log_out(other)
    page.go_back(wait_until="commit")
    page.wait_for_url("**/login?notice=*")
    assert ada.email not in page.content()


def test_kept_page_of_a_live_session_goes_on(
    remembering_context: BrowserContext, ada: Person, site: GunicornServer
) -> None:
    """A kept page whose session lives shows its content again without a new log-in."""
    page = remembering_context.new_page()
    log_in(page, ada)
    page.goto("/threats")
    with page.expect_console_message(lambda message: message.text == "shows an address"):
        page.go_back(wait_until="commit")
    at_account(page)
    expect(page.locator("#content")).to_contain_text(ada.email)
    assert len(live(site)) == 1


def test_kept_page_of_a_former_user_shows_the_new_one(
    remembering_context: BrowserContext, ada: Person, bob: Person
) -> None:
    """A kept page of Ada's never shows her data once Bob has logged in."""
    page = remembering_context.new_page()
    log_in(page, ada)
    page.goto("/threats")
    log_in(remembering_context.new_page(), bob)
    page.go_back(wait_until="commit")
    expect(page.locator("#content")).to_contain_text(bob.email)
    assert ada.email not in page.content()
