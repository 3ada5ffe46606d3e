"""Mailed links as after `make run`: read in the mailbox, and used with the keyboard."""

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.test_accessibility import step_to
from tests.support.browsing import (
    ADA,
    BOB,
    NEW_PASSWORD,
    Person,
    at_account,
    at_login,
    choose_password,
    log_in,
    reload,
    send,
)
from tests.support.clone import Clone

NEW_EMAIL = "ada@new.example"


@pytest.fixture
def site(development: Clone) -> Clone:
    return development


def open_mail(page: Page, to: str, subject: str, path: str) -> None:
    """Wait for a message to that address, and follow its link to the page with the button."""
    messages = page.locator("article", has_text=f"To {to},").filter(has_text=subject)
    link = messages.first.locator(f"pre a[href*='{path}?']")
    for _ in range(40):
        page.goto("/mailbox")
        if link.count():
            break
        page.wait_for_timeout(250)
    hidden = "text => text.scrollHeight - text.clientHeight"
    assert messages.first.locator("pre").evaluate(hidden) <= 0, "the whole message is seen"
    link.press("Enter")
    page.wait_for_url(f"**{path}")


def press(page: Page, button: str, done: str) -> None:
    """Step to a button with the Tab key and press it."""
    step_to(page, page.get_by_role("button", name=button))
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{done}")


def register(page: Page, person: Person) -> None:
    page.goto("/register")
    step_to(page, page.get_by_label("E-mail address"))
    page.keyboard.type(person.email)
    page.keyboard.press("Enter")
    page.wait_for_url("**/register/sent")
    open_mail(page, person.email, "Finish creating your Latchkey account", "/register/finish")
    choose_password(page, person.password)
    at_account(page)


def test_there_and_back(page: Page, context: BrowserContext) -> None:
    register(page, ADA)
    reload(page)
    step_to(
        page, page.get_by_role("navigation", name="Account").get_by_role("link", name="E-mail")
    )
    page.keyboard.press("Enter")
    at_account(page, "Change your address")
    step_to(page, page.get_by_label("New e-mail address"))
    page.keyboard.type(NEW_EMAIL)
    page.keyboard.press("Enter")
    expect(page.locator(".done")).to_be_focused()

    mail_reader = context.new_page()
    open_mail(mail_reader, NEW_EMAIL, "Confirm your new address", "/email/confirm")
    press(mail_reader, "Confirm this address", "/email/confirmed")
    reload(page, "Change your address")
    expect(page.locator("#content")).to_contain_text(NEW_EMAIL)

    open_mail(
        mail_reader, ADA.email, "The address of your Latchkey account was changed", "/email/undo"
    )
    press(mail_reader, "Undo the change", "/email/undone")
    page.goto("/account")
    at_login(page, "session_ended")

    open_mail(mail_reader, ADA.email, "Choose a new password", "/reset/finish")
    mail_reader.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    mail_reader.keyboard.press("Enter")
    at_login(mail_reader, "password_changed")
    send(mail_reader, Person(ADA.email, NEW_PASSWORD))
    at_account(mail_reader)
    expect(mail_reader.locator("#content")).to_contain_text(ADA.email)


def test_a_log_in_from_another_browser(page: Page, browser: Browser, site: Clone) -> None:
    """The notice leads to the page that secures the account; both sessions end."""
    register(page, BOB)
    with browser.new_context(base_url=site.url) as elsewhere:
        other = elsewhere.new_page()
        log_in(other, BOB)
        open_mail(page, BOB.email, "New login to your Latchkey account", "/secure")
        press(page, "Secure the account", "/secure/done")
        for one in (page, other):
            one.goto("/account")
            at_login(one, "session_ended")
