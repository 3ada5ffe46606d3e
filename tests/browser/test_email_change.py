"""A change of address in a real Chromium: the form, the dialog, and the pages of mailed links."""

from playwright.sync_api import Browser, Page, expect

from app.mail.models import Kind
from tests.browser.test_accessibility import sound, step_to
from tests.support.browsing import (
    Device,
    Person,
    at_account,
    at_login,
    families,
    faulty,
    log_in,
    open_section,
    submit,
)
from tests.support.derived_links import mails_of, the_link
from tests.support.reauthentication import answer, let_the_log_in_be_old
from tests.support.servers.gunicorn import GunicornServer

NEW_EMAIL = "ada@new.example"


def ask_for(page: Page, email: str = NEW_EMAIL) -> None:
    page.get_by_label("New e-mail address").fill(email)
    submit(page)


def asked(page: Page) -> None:
    """Wait for the words that a link was mailed; they have the focus."""
    expect(page.locator(".done")).to_be_focused()
    expect(page.locator(".done")).to_contain_text("A message is on its way")
    expect(page.get_by_label("New e-mail address")).to_have_value(NEW_EMAIL)


def link(site: GunicornServer, kind: Kind) -> str:
    return the_link(site, kind, families(site)[0]["user_id"])


def follow(page: Page, path: str, token: str) -> None:
    """Follow a mailed link as far as the page with the button."""
    page.goto(f"{path}?token={token}")
    page.wait_for_url(f"**{path}")


def change(page: Page, site: GunicornServer) -> str:
    """Change the address of the account in this browser; return the token that undoes it."""
    open_section(page, "E-mail")
    ask_for(page)
    asked(page)
    follow(page, "/email/confirm", link(site, Kind.NEW_EMAIL))
    submit(page)
    page.wait_for_url("**/email/confirmed")
    return link(site, Kind.EMAIL_CHANGED)


def test_an_old_log_in_is_asked_for_the_password(
    page: Page, site: GunicornServer, ada: Person
) -> None:
    """In the dialog; then the request is sent again."""
    log_in(page, ada)
    let_the_log_in_be_old(site)
    page.goto("/account/email")
    at_account(page, "Change your address")
    ask_for(page)
    answer(page, ada.password)
    asked(page)
    assert len(mails_of(site, Kind.NEW_EMAIL, families(site)[0]["user_id"])) == 1


def test_what_is_wrong_is_shown_at_the_field(page: Page, ada: Person) -> None:
    log_in(page, ada)
    open_section(page, "E-mail")
    submit(page)
    faulty(page, "Enter your e-mail address.")
    ask_for(page, "nobody")
    faulty(page, "Enter an e-mail address like name@example.com.")
    ask_for(page, ada.email)
    faulty(page, "This is the address of your account already.")
    expect(page.get_by_label("New e-mail address")).to_have_accessible_description(
        "Error: This is the address of your account already."
    )
    ask_for(page)
    asked(page)
    ask_for(page, ada.email)
    faulty(page, "This is the address of your account already.")
    expect(page.locator(".done")).not_to_be_visible()


def test_the_limit_is_shown(page: Page, ada: Person) -> None:
    log_in(page, ada)
    for number in range(3):
        page.goto("/account/email")
        at_account(page, "Change your address")
        ask_for(page, f"{number}@example.com")
        expect(page.locator(".done")).to_be_focused()
    page.goto("/account/email")
    at_account(page, "Change your address")
    ask_for(page)
    faulty(page, "Too many attempts.")


def test_the_session_goes_on_under_the_new_address(
    page: Page, site: GunicornServer, ada: Person, phone: Device
) -> None:
    phone.log_in()
    log_in(page, ada)
    change(page, site)
    page.get_by_role("link", name="Go to your account").click()
    at_account(page)
    expect(page.locator("#content")).to_contain_text(NEW_EMAIL)
    assert phone.me() == 200


def test_an_undo_ends_the_session_of_the_page(
    page: Page, site: GunicornServer, ada: Person, browser: Browser, phone: Device
) -> None:
    """From another browser, in which the owner reads the mail, and without script."""
    phone.log_in()
    log_in(page, ada)
    token = change(page, site)
    with browser.new_context(base_url=site.url, java_script_enabled=False) as context:
        mail_reader = context.new_page()
        mail_reader.goto(f"/email/undo?token={token}")
        expect(mail_reader.get_by_role("heading")).to_have_text("Undo the change of your address")
        expect(mail_reader.locator("main")).to_contain_text(ada.email)
        assert phone.me() == 200
        mail_reader.get_by_role("button", name="Undo the change").click()
        expect(mail_reader.get_by_role("heading")).to_have_text("Your address is restored")
    assert phone.me() == 401
    page.goto("/account")
    at_login(page, "session_ended")


def test_it_is_confirmed_without_script(
    page: Page, site: GunicornServer, ada: Person, browser: Browser
) -> None:
    log_in(page, ada)
    open_section(page, "E-mail")
    ask_for(page)
    asked(page)
    token = link(site, Kind.NEW_EMAIL)
    with browser.new_context(base_url=site.url, java_script_enabled=False) as context:
        reader = context.new_page()
        reader.goto(f"/email/confirm?token={token}")
        expect(reader.locator("main")).to_contain_text(NEW_EMAIL)
        reader.get_by_role("button", name="Confirm this address").click()
        expect(reader.get_by_role("heading")).to_have_text("Your address is changed")
        reader.goto(f"/email/confirm?token={token}")
        expect(reader.get_by_role("heading")).to_have_text("This link does not work any more")
    page.goto("/account/email")
    at_account(page, "Change your address")
    expect(page.locator("#content")).to_contain_text(NEW_EMAIL)


def test_everybody_can_use_it(page: Page, site: GunicornServer, ada: Person) -> None:
    log_in(page, ada)
    open_section(page, "E-mail")
    sound(page, "the form")
    submit(page)
    page.locator("#summary li").first.wait_for()
    sound(page, "the form with an error")
    ask_for(page)
    asked(page)
    sound(page, "a link is mailed")
    follow(page, "/email/confirm", link(site, Kind.NEW_EMAIL))
    sound(page, "the page that confirms")
    step_to(page, page.get_by_role("button", name="Confirm this address"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/email/confirmed")
    sound(page, "confirmed")
    follow(page, "/email/undo", link(site, Kind.EMAIL_CHANGED))
    sound(page, "the page that undoes")
    step_to(page, page.get_by_role("button", name="Undo the change"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/email/undone")
    sound(page, "undone")
