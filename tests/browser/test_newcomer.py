"""The first minute after `make run`: from the home page by way of the mailbox to one's account."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.support import mailbox
from tests.support.browsing import ADA, BOB, Person, at_account, choose_password, send, submit
from tests.support.clone import Clone


@pytest.fixture(params=["script", "no script"])
def context(
    request: pytest.FixtureRequest, browser: Browser, development: Clone
) -> Iterator[BrowserContext]:
    scripted = request.param == "script"
    with browser.new_context(base_url=development.url, java_script_enabled=scripted) as context:
        yield context


@pytest.fixture
def newcomer(request: pytest.FixtureRequest) -> Person:
    """Somebody else with script than without, because both come to the same server."""
    return {"script": ADA, "no script": BOB}[request.node.callspec.params["context"]]


def look_in_the_mail(page: Page, newcomer: Person, subject: str) -> None:
    """Follow the link to the mailbox, and wait for the newest message there."""
    page.get_by_role("main").get_by_role("link", name="the mailbox").click()
    newest = page.get_by_role("article").first
    for _ in range(50):
        if page.get_by_role("article").count() and subject in newest.inner_text():
            break
        page.wait_for_timeout(100)
        page.reload()
    expect(newest).to_contain_text(f"To {newcomer.email}")
    expect(newest).to_contain_text(subject)


def register(page: Page, newcomer: Person) -> None:
    page.goto("/")
    page.get_by_role("main").get_by_role("link", name="Register").click()
    page.get_by_label("E-mail address").fill(newcomer.email)
    submit(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Look in your mail")


def test_from_the_home_page_to_the_account(page: Page, newcomer: Person) -> None:
    register(page, newcomer)
    look_in_the_mail(page, newcomer, "Finish creating your Latchkey account")
    page.get_by_role("article").first.get_by_role("link", name="/register/finish").click()
    page.wait_for_url("**/register/finish")
    expect(page.get_by_label("E-mail address")).to_have_value(newcomer.email)
    choose_password(page, newcomer.password)
    page.wait_for_url("**/account")
    if newcomer == ADA:
        at_account(page)
        expect(page.locator("#content")).to_contain_text(newcomer.email)
    page.context.clear_cookies()
    page.goto("/login")
    send(page, newcomer)
    page.wait_for_url("**/account")


def test_whoever_has_an_account_is_told_by_mail(
    page: Page, development: Clone, newcomer: Person
) -> None:
    """The message leads to the log-in."""
    known = Person(f"known-{newcomer.email}", newcomer.password)
    mailbox.register(development.url, known.email, known.password)
    register(page, known)
    look_in_the_mail(page, known, "You already have a Latchkey account")
    page.get_by_role("article").first.get_by_role("link", name="/login").click()
    send(page, known)
    page.wait_for_url("**/account")
