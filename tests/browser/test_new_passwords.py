"""What the forms say of a new password, and what they suggest."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, expect

from app.accounts.password_policy import PasswordPolicy
from config import ROOT
from tests.support.accounts import create_account
from tests.support.breaches import filter_of, import_into, list_of
from tests.support.browsing import (
    ADA,
    NEW_PASSWORD,
    Person,
    at_account,
    fill_in,
    live,
    log_in,
    log_out,
    module,
    open_mailed_link,
    submit,
)
from tests.support.mail import registration_path
from tests.support.servers.gunicorn import GunicornServer
from tests.support.servers.valkey import ValkeyServer

DRAW: Final = f"""
async () => {{
  const {{ passphrase }} = await import({module("forms")}.replace('forms', 'advice'));
  return Promise.all(Array.from({{ length: 50 }}, () => passphrase('/static/words.txt')));
}}
"""
WORDS: Final = (ROOT / "static" / "words.txt").read_text(encoding="ascii").splitlines()
SUGGEST: Final = "Suggest a passphrase"


@pytest.fixture
def scripted_page(browser: Browser, site: GunicornServer) -> Iterator[Page]:
    """A tab that runs script, for what only script does."""
    with browser.new_context(base_url=site.url) as context:
        yield context.new_page()


def test_what_is_said_is_the_servers_rule(scripted_page: Page, site: GunicornServer) -> None:
    """Length alone is judged in the page, and nothing typed is called strong."""
    page = scripted_page
    open_mailed_link(page, registration_path(site, ADA.email))
    field, output = page.get_by_label("Password", exact=True), page.locator(".strength")
    for typed, said in {
        "e\u0301" * 14: "Too short: 14 of at least 15 characters.",
        "password12345678": "Long enough. It is still refused if attackers know or guess it.",
        "\u00e9" * 513: "Too long: at most 1,024 bytes.",
        "": "",
    }.items():
        field.fill(typed)
        expect(output).to_have_text(said)


def test_a_suggestion_is_called_strong_and_accepted(
    scripted_page: Page, site: GunicornServer
) -> None:
    """It is shown. What somebody adds to it is judged as typed."""
    page = scripted_page
    open_mailed_link(page, registration_path(site, ADA.email))
    page.get_by_role("button", name=SUGGEST).click()
    field, output = page.get_by_label("Password", exact=True), page.locator(".strength")
    expect(output).to_contain_text("Strong: five random words, 55 bits.")
    expect(field).to_have_attribute("type", "text")
    field.press_sequentially("x")
    expect(output).to_contain_text("Long enough.")
    page.get_by_role("button", name=SUGGEST).click()
    expect(output).to_contain_text("Strong")
    submit(page)
    at_account(page)
    assert len(live(site)) == 1


def test_suggestions_are_five_words_drawn_anew(scripted_page: Page) -> None:
    """None of fifty is refused, and none comes twice."""
    scripted_page.goto("/login")
    phrases: list[str] = scripted_page.evaluate(DRAW)
    assert len(set(phrases)) == 50
    for phrase in phrases:
        assert len(phrase.split(" ")) == 5
        assert set(phrase.split(" ")) <= set(WORDS)
        PasswordPolicy(15).check(phrase, ADA.email)


def test_a_suggestion_for_a_change_leaves_the_current_password_hidden(
    scripted_page: Page, ada: Person
) -> None:
    """Only the new one is filled in and shown."""
    page = scripted_page
    log_in(page, ada)
    page.goto("/account/password")
    current = page.get_by_label("Current password", exact=True)
    new = page.get_by_label("New password", exact=True)
    page.get_by_role("button", name=SUGGEST).click()
    expect(new).to_have_attribute("type", "text")
    assert new.input_value().count(" ") == 4
    expect(current).to_have_attribute("type", "password")
    expect(current).to_have_value("")


def test_words_that_cannot_be_loaded_are_said_to_be_missing(
    scripted_page: Page, site: GunicornServer
) -> None:
    """Nothing is filled in, and the next try may succeed."""
    page = scripted_page
    open_mailed_link(page, registration_path(site, ADA.email))
    page.route("**/static/*/words.txt", lambda route: route.fulfill(status=503))
    page.get_by_role("button", name=SUGGEST).click()
    expect(page.locator(".strength")).to_have_text("The words could not be loaded. Try again.")
    expect(page.get_by_label("Password", exact=True)).to_have_value("")
    page.unroute("**/static/*/words.txt")
    page.get_by_role("button", name=SUGGEST).click()
    expect(page.locator(".strength")).to_contain_text("Strong")


@pytest.fixture
def breaches(tmp_path: Path) -> Path:
    """A filter of one password, which nobody uses."""
    return filter_of(tmp_path, "of nobody")


@pytest.fixture
def site_with_filter(
    serve: Callable[..., GunicornServer],
    base_environment: dict[str, str],
    sqlite_url: str,
    valkey: ValkeyServer,
    breaches: Path,
) -> GunicornServer:
    servers = {"DATABASE_URL": sqlite_url, "REDIS_URL": valkey.url}
    return serve(base_environment | servers | {"BREACHED_PASSWORDS": str(breaches)})


def test_a_log_in_with_a_breached_password_asks_for_another(
    browser: Browser, site_with_filter: GunicornServer, breaches: Path
) -> None:
    """The page that changes it comes first and says why; afterwards nothing asks again."""
    notice = "Change this password."
    with browser.new_context(base_url=site_with_filter.url) as context:
        page = context.new_page()
        create_account(site_with_filter, ADA.email, ADA.password)
        import_into(breaches, list_of(ADA.password))
        page.goto("/login?next=/account/sessions")
        fill_in(page, ADA)
        submit(page)
        at_account(page, "Change your password")
        expect(page.get_by_text(notice)).to_be_visible()
        page.reload()
        at_account(page, "Change your password")
        expect(page.get_by_text(notice)).to_be_visible()
        page.get_by_label("Current password", exact=True).fill(ADA.password)
        page.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
        submit(page)
        page.locator(".done").wait_for()
        expect(page.get_by_text(notice)).to_be_hidden()
        page.reload()
        at_account(page, "Change your password")
        expect(page.get_by_text(notice)).to_be_hidden()
        log_out(page)
        log_in(page, Person(ADA.email, NEW_PASSWORD))
