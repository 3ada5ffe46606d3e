"""The door: registering and logging in, with script and without."""

import re
import time
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.support.browsing import (
    ADA,
    BOB,
    MISTYPED,
    Person,
    ask_for_account,
    at_account,
    at_login,
    choose_password,
    families,
    faulty,
    fill_in,
    live,
    log_out,
    open_mailed_link,
    refresh_cookie,
    send,
    submit,
)
from tests.support.mail import registration_path
from tests.support.servers.gunicorn import GunicornServer

DAY: Final = 86400

NO_PATH_OF_THIS_SITE: Final = [
    "//evil.test/",
    "/\\evil.test/",
    "/\t/evil.test/",
    "https://evil.test/",
    "javascript:alert(1)",
    "evil.test",
]


@pytest.fixture(params=["script", "no script"])
def context(
    request: pytest.FixtureRequest, browser: Browser, site: GunicornServer
) -> Iterator[BrowserContext]:
    """A fresh profile, once with JavaScript and once without."""
    scripted = request.param == "script"
    with browser.new_context(base_url=site.url, java_script_enabled=scripted) as context:
        yield context


@pytest.fixture
def script(request: pytest.FixtureRequest) -> bool:
    return bool(request.node.callspec.params["context"] == "script")


def entered(page: Page, *, script: bool) -> None:
    page.wait_for_url("**/account")
    if script:
        at_account(page)
    else:
        page.locator("#content noscript p").wait_for()


def test_registering_logs_in(page: Page, site: GunicornServer, *, script: bool) -> None:
    """From the address by way of the mail to the account."""
    page.goto("/")
    page.get_by_role("main").get_by_role("link", name="Register").click()
    page.get_by_label("E-mail address").fill(ADA.email)
    submit(page)
    page.wait_for_url("**/register/sent")
    expect(page.get_by_role("heading", level=1)).to_have_text("Look in your mail")
    open_mailed_link(page, registration_path(site, ADA.email, ask=False))
    expect(page.get_by_label("E-mail address")).to_have_value(ADA.email)
    assert families(site) == []
    choose_password(page, ADA.password)
    entered(page, script=script)
    assert refresh_cookie(page.context)
    assert len(families(site)) == 1
    if script:
        expect(page.locator("#content")).to_contain_text(ADA.email)
        expect(page).to_have_title(re.compile("^Your account"))


def test_known_address_sees_the_same(page: Page, ada: Person) -> None:
    """What the pages show is the same, word for word; the mail tells the owner."""
    said = []
    for email in (ada.email, BOB.email):
        ask_for_account(page, email)
        said.append(page.locator("main").inner_text())
    assert said[0] == said[1]


def test_dead_link_is_explained(page: Page, site: GunicornServer) -> None:
    """Used in another tab meanwhile: the password typed here does nothing."""
    path = registration_path(site, ADA.email)
    other = page.context.new_page()
    for tab in (page, other):
        open_mailed_link(tab, path)
    choose_password(other, ADA.password)
    other.wait_for_url("**/account")
    choose_password(page, BOB.password)
    expect(page.get_by_role("heading", level=1)).to_have_text("This link does not work any more")
    page.get_by_role("main").get_by_role("link", name="Log in").click()
    send(page, ADA)
    page.wait_for_url("**/account")


def test_logging_in_and_out(
    page: Page, context: BrowserContext, site: GunicornServer, ada: Person, *, script: bool
) -> None:
    page.goto("/login")
    send(page, ada)
    entered(page, script=script)
    assert len(live(site)) == 1
    log_out(page)
    expect(page.locator("main")).to_contain_text("You are logged out")
    assert live(site) == []
    assert refresh_cookie(context) is None


def test_empty_form_names_both_fields(page: Page) -> None:
    page.goto("/login")
    submit(page)
    faulty(page, "Enter your e-mail address.", "password.")
    for field in ("email", "password"):
        expect(page.locator(f"#{field}")).to_have_attribute("aria-invalid", "true")
        expect(page.locator(f"#{field}-fault")).not_to_be_empty()


@pytest.mark.usefixtures("ada")
def test_wrong_password_and_unknown_address_look_alike(page: Page) -> None:
    said = []
    for person in (MISTYPED, BOB):
        page.goto("/login")
        send(page, person)
        faulty(page)
        said.append(page.get_by_role("alert").inner_text())
        expect(page.get_by_label("E-mail address")).to_have_value(person.email)
        expect(page.get_by_label("Password", exact=True)).to_have_value("")
        assert person.password not in page.content()
    assert said[0] == said[1]


def test_refused_registration_keeps_the_address(page: Page, site: GunicornServer) -> None:
    page.goto("/register")
    for email, words in (("no address", "e-mail address"), ("", "Enter your e-mail address.")):
        page.get_by_label("E-mail address").fill(email)
        submit(page)
        faulty(page, words)
        expect(page.locator("#email-fault")).to_contain_text(words)
        expect(page.get_by_label("E-mail address")).to_have_value(email)
    open_mailed_link(page, registration_path(site, ADA.email))
    for password, words in (
        ("tiny zebra", "at least 15 characters"),
        ("passwordpassword", "words"),
        ("", "Enter a password."),
    ):
        choose_password(page, password)
        faulty(page, words)
        expect(page.locator("#password-fault")).to_contain_text(words)
        expect(page.get_by_label("E-mail address")).to_have_value(ADA.email)
        assert not password or password not in page.content()


def test_summary_leads_to_the_field(page: Page) -> None:
    page.goto("/login")
    submit(page)
    faulty(page)
    for field, line in (("password", 1), ("email", 0)):
        page.get_by_role("alert").get_by_role("link").nth(line).click()
        expect(page.locator(f"#{field}")).to_be_focused()


def test_too_many_attempts_say_when_to_return(page: Page, ada: Person) -> None:
    page.goto("/login")
    for _ in range(5):
        send(page, MISTYPED)
        faulty(page, "password")
        page.goto("/login")
    send(page, ada)
    faulty(page, "Too many")
    expect(page).to_have_url(re.compile("/login$"))


def test_password_managers_know_the_fields(page: Page, site: GunicornServer) -> None:
    """Also the user name that belongs to a new password, in a field that cannot be changed."""
    for path, user_name, kind in (
        ("/login", "#email", "current-password"),
        (registration_path(site, ADA.email), "#username", "new-password"),
    ):
        open_mailed_link(page, path)
        email, password = page.locator(user_name), page.locator("#password")
        expect(email).to_have_attribute("autocomplete", "username")
        expect(email).to_have_attribute("type", "email")
        expect(password).to_have_attribute("autocomplete", kind)
        expect(password).to_have_attribute("type", "password")
        expect(password).to_have_attribute("name", "password")
        for field in (email, password):
            assert field.get_attribute("placeholder") is None
            assert field.get_attribute("onpaste") is None
    named = page.locator("#username")
    expect(named).to_have_value(ADA.email)
    assert named.get_attribute("readonly") is not None
    assert named.get_attribute("name") is None


def test_keep_me_logged_in(page: Page, ada: Person, *, script: bool) -> None:
    page.goto("/login")
    send(page, ada)
    entered(page, script=script)
    cookie = refresh_cookie(page.context)
    assert cookie
    assert cookie.get("expires") == -1
    page.goto("/login")
    fill_in(page, ada)
    page.get_by_label("Keep me logged in").check()
    submit(page)
    entered(page, script=script)
    cookie = refresh_cookie(page.context)
    assert cookie
    assert 6 * DAY < cookie.get("expires", 0) - time.time() <= 30 * DAY


def test_next_leads_to_a_path_of_this_site(page: Page, ada: Person) -> None:
    page.goto("/login?next=/threats")
    send(page, ada)
    page.wait_for_url("**/threats")
    expect(page.get_by_role("heading", name="Threats", exact=True)).to_be_visible()


def test_next_leads_nowhere_else(page: Page, ada: Person, *, script: bool) -> None:
    asked: list[str] = []
    page.context.on("request", lambda request: asked.append(request.url))
    for wanted in NO_PATH_OF_THIS_SITE:
        page.goto("/login?next=" + quote(wanted))
        field = page.locator("input[name=next]")
        expect(field).to_have_value("")
        field.evaluate("(field, text) => { field.value = text }", wanted)
        send(page, ada)
        entered(page, script=script)
    assert [url for url in asked if urlsplit(url).hostname != "localhost"] == []


def test_logging_in_over_a_session_ends_it(page: Page, site: GunicornServer, ada: Person) -> None:
    for _ in range(2):
        page.goto("/login")
        send(page, ada)
        page.wait_for_url("**/account")
    assert len(families(site)) == 2
    assert len(live(site)) == 1


def test_notices_are_of_this_site(page: Page) -> None:
    page.goto("/login?notice=Call+this+number")
    assert "Call" not in page.content()
    page.goto("/login?notice=session_ended")
    at_login(page, "session_ended")
    expect(page.locator("main")).to_contain_text("Log in to continue")


def test_form_left_open_is_explained(page: Page, ada: Person, *, script: bool) -> None:
    page.goto("/login")
    page.context.clear_cookies()
    send(page, ada)
    if script:
        at_account(page)
    else:
        expect(page.get_by_role("heading", level=1)).to_have_text("This form has expired")
