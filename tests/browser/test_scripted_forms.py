"""What script adds to the forms."""

import re

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
    open_mailed_link,
    send,
    submit,
)
from tests.support.mail import registration_path
from tests.support.servers.gunicorn import GunicornServer


def test_double_submit_is_harmless(page: Page, site: GunicornServer) -> None:
    sent: list[str] = []

    def note(request: Request) -> None:
        if request.method == "POST":
            sent.append(request.url.removeprefix(site.url))

    page.on("request", note)
    open_mailed_link(page, registration_path(site, ADA.email))
    page.get_by_label("Password", exact=True).fill(ADA.password)
    button = page.locator("main form button.main")
    button.evaluate("button => { button.click(); button.click(); button.click() }")
    at_account(page)
    assert sent == ["/auth/register/finish"]
    log_out(page)
    sent.clear()
    page.goto("/login")
    fill_in(page, ADA)
    button.dblclick()
    at_account(page)
    assert sent == ["/auth/login"]
    assert len(live(site)) == 1


def test_submit_says_what_is_happening(page: Page, ada: Person) -> None:
    held: list[Route] = []
    page.route("**/auth/login", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks what it is given, and a list's method takes no mark
    page.goto("/login")
    send(page, ada)
    button = page.locator("main form button.main")
    expect(button).to_have_text("Logging in…")
    expect(button).to_be_enabled()
    while not held:  # a proof is made first
        page.wait_for_timeout(10)
    held[0].continue_()
    at_account(page)


def test_showing_the_password(page: Page, ada: Person) -> None:
    page.goto("/login")
    fill_in(page, ada)
    field = page.get_by_label("Password", exact=True)
    toggle = page.locator(".peek")
    for name, kind in (("Show", "password"), ("Hide", "text"), ("Show", "password")):
        expect(field).to_have_attribute("type", kind)
        expect(toggle).to_have_text(name)
        expect(toggle).to_have_accessible_name(f"{name} password")
        toggle.click()
    field.fill("not at all the password")
    submit(page)
    faulty(page)
    expect(page).to_have_title(re.compile("^Error: Log in"))
    expect(field).to_have_attribute("type", "password")
    expect(toggle).to_have_text("Show")


def test_without_script_there_is_no_dead_button(browser: Browser, site: GunicornServer) -> None:
    with browser.new_context(base_url=site.url, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/register")
        expect(page.get_by_role("button")).to_have_text(["Send me the link"])
        open_mailed_link(page, registration_path(site, ADA.email))
        expect(page.get_by_role("button")).to_have_text(["Create my account"])


def test_logging_in_keeps_the_document(page: Page, ada: Person) -> None:
    page.goto("/login")
    page.evaluate("window.kept = true")
    send(page, ada)
    at_account(page)
    assert page.evaluate("window.kept")
    log_in(page, ada)
