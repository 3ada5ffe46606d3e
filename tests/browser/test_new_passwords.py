"""What the forms say of a new password, and what they suggest."""

from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, expect

from app.accounts.password_policy import PasswordPolicy
from config import ROOT
from tests.support.browsing import ADA, Person, at_account, live, log_in, submit
from tests.support.servers.gunicorn import GunicornServer

DRAW: Final = """
async () => {
  const { passphrase } = await import('/static/js/advice.js');
  return Promise.all(Array.from({ length: 50 }, () => passphrase('/static/words.txt')));
}
"""
WORDS: Final = (ROOT / "static" / "words.txt").read_text(encoding="ascii").splitlines()
SUGGEST: Final = "Suggest a passphrase"


@pytest.fixture
def scripted_page(browser: Browser, site: GunicornServer) -> Iterator[Page]:
    """A tab that runs script, for what only script does."""
    with browser.new_context(base_url=site.url) as context:
        yield context.new_page()


def test_what_is_said_is_the_servers_rule(scripted_page: Page) -> None:
    """Length alone is judged in the page, and nothing typed is called strong."""
    page = scripted_page
    page.goto("/register")
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
    page.goto("/register")
    page.get_by_label("E-mail address").fill(ADA.email)
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
    scripted_page.goto("/register")
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


def test_words_that_cannot_be_loaded_are_said_to_be_missing(scripted_page: Page) -> None:
    """Nothing is filled in, and the next try may succeed."""
    page = scripted_page
    page.goto("/register")
    page.route("**/static/words.txt", lambda route: route.fulfill(status=503))
    page.get_by_role("button", name=SUGGEST).click()
    expect(page.locator(".strength")).to_have_text("The words could not be loaded. Try again.")
    expect(page.get_by_label("Password", exact=True)).to_have_value("")
    page.unroute("**/static/words.txt")
    page.get_by_role("button", name=SUGGEST).click()
    expect(page.locator(".strength")).to_contain_text("Strong")
