"""What script adds to the forms."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Request, Route, expect

from tests.support.browsing import (
    ADA,
    Person,
    at_account,
    faulty,
    fill_in,
    live,
    log_in,
    log_out,
    submit,
)
from tests.support.servers.gunicorn import GunicornServer


@pytest.fixture
def scripted_page(browser: Browser, site: GunicornServer) -> Iterator[Page]:
    """A tab that runs script, for what only script does."""
    with browser.new_context(base_url=site.url) as context:
        yield context.new_page()


def test_double_submit_is_harmless(scripted_page: Page, site: GunicornServer) -> None:
    """Pressing the button twice sends the form once."""
    sent: list[str] = []

    def note(request: Request) -> None:
        if request.method == "POST":
            sent.append(request.url.removeprefix(site.url))

    scripted_page.on("request", note)
    scripted_page.goto("/register")
    fill_in(scripted_page, ADA)
    button = scripted_page.locator("main form button.main")
    button.evaluate("button => { button.click(); button.click(); button.click() }")
    at_account(scripted_page)
    assert sent == ["/auth/register", "/auth/login"]
    log_out(scripted_page)
    sent.clear()
    scripted_page.goto("/login")
    fill_in(scripted_page, ADA)
    button.dblclick()
    at_account(scripted_page)
    assert sent == ["/auth/login"]
    assert len(live(site)) == 1


def test_submit_says_what_is_happening(scripted_page: Page, ada: Person) -> None:
    """While the answer is awaited the button says so and stays enabled."""
    page = scripted_page
    held: list[Route] = []
    page.route("**/auth/login", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks what it is given, and a list's method takes no mark
    page.goto("/login")
    fill_in(page, ada)
    submit(page)
    button = page.locator("main form button.main")
    expect(button).to_have_text("Logging in…")
    expect(button).to_be_enabled()
    while not held:  # a proof is made first
        page.wait_for_timeout(10)
    held[0].continue_()
    at_account(page)


def test_showing_the_password(scripted_page: Page, ada: Person) -> None:
    """The toggle shows and hides what was typed, says so, and hides it again on sending."""
    page = scripted_page
    page.goto("/login")
    fill_in(page, ada)
    field = page.get_by_label("Password", exact=True)
    toggle = page.get_by_role("button", name="Show password")
    expect(toggle).to_have_attribute("aria-pressed", "false")
    toggle.click()
    expect(field).to_have_attribute("type", "text")
    expect(toggle).to_have_attribute("aria-pressed", "true")
    toggle.click()
    expect(field).to_have_attribute("type", "password")
    expect(toggle).to_have_attribute("aria-pressed", "false")
    toggle.click()
    field.fill("not at all the password")
    submit(page)
    faulty(page)
    expect(field).to_have_attribute("type", "password")
    expect(toggle).to_have_attribute("aria-pressed", "false")


def test_without_script_there_is_no_dead_button(browser: Browser, site: GunicornServer) -> None:
    """What only script can do is not offered without it."""
    with browser.new_context(base_url=site.url, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/register")
        expect(page.get_by_role("button")).to_have_text(["Register"])


def test_logging_in_keeps_the_document(scripted_page: Page, ada: Person) -> None:
    """Logging in by script needs no second page load, so the token stays."""
    page = scripted_page
    page.goto("/login")
    page.evaluate("window.kept = true")
    fill_in(page, ada)
    submit(page)
    at_account(page)
    assert page.evaluate("window.kept")
    log_in(page, ada)
