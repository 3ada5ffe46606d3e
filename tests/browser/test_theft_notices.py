"""The notice of a theft: on two pages, dismissed with a button, gone with a new password."""

from typing import Final

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.test_accessibility import sound
from tests.support.browsing import (
    NEW_PASSWORD,
    Person,
    at_account,
    families,
    log_in,
    open_account,
    section,
    submit,
)
from tests.support.client import pair, problem, program
from tests.support.servers.gunicorn import GunicornServer

PAGES: Final = [("Overview", "Your account"), ("Sessions", "Your sessions")]


def steal(site: GunicornServer, person: Person) -> None:
    """Have a session of somebody's on another device stolen."""
    phone = program(site, person.email, password=person.password)
    _, spent = pair(phone.log_in())
    assert phone.refresh(spent).status_code == 200
    problem(phone.refresh(spent), 401, "session_ended")


def notices(page: Page) -> Locator:
    return page.get_by_role("list", name="Sessions that were ended").get_by_role("listitem")


@pytest.mark.parametrize(("name", "heading"), PAGES)
def test_a_notice_is_dismissed_by_keyboard(
    page: Page, site: GunicornServer, ada: Person, name: str, heading: str
) -> None:
    """It says so in its place and keeps the focus there; the other notice stays."""
    log_in(page, ada)
    steal(site, ada)
    steal(site, ada)
    section(page, name)
    at_account(page, heading)
    expect(notices(page)).to_have_count(2)
    notices(page).first.get_by_role("button", name="It was me: dismiss").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Notice dismissed.")).to_be_focused()
    page.keyboard.press("Tab")
    expect(notices(page).last.get_by_role("link")).to_be_focused()
    for other, its_heading in PAGES:
        section(page, other)
        at_account(page, its_heading)
        expect(notices(page)).to_have_count(1)
    assert [one["dismissed_at"] is None for one in families(site)].count(False) == 1


def test_a_second_tab_dismisses_what_is_dismissed(
    page: Page, context: BrowserContext, site: GunicornServer, ada: Person
) -> None:
    """Both say the same: what the person wanted is done."""
    log_in(page, ada)
    steal(site, ada)
    tabs = [open_account(context), open_account(context, "/account/sessions")]
    for tab in tabs:
        expect(notices(tab)).to_have_count(1)
    for tab in tabs:
        tab.bring_to_front()
        tab.get_by_role("button", name="It was me: dismiss").click()
        expect(tab.get_by_text("Notice dismissed.")).to_be_focused()


def test_a_notice_that_cannot_be_dismissed_stays(
    page: Page, site: GunicornServer, ada: Person
) -> None:
    """It says why beside the button, which can be pressed again; the page is not loaded anew."""
    steal(site, ada)
    log_in(page, ada)
    button = page.get_by_role("button", name="It was me: dismiss")
    page.route("**/auth/thefts/*", lambda route: route.fulfill(status=503))
    button.click()
    expect(notices(page).get_by_role("alert")).to_have_text(
        "The notice could not be dismissed. Try again."
    )
    page.unroute("**/auth/thefts/*")
    page.route("**/auth/thefts/*", lambda route: route.abort("connectionfailed"))
    button.click()
    expect(notices(page).get_by_role("alert")).to_have_text("The server could not be reached.")
    page.unroute("**/auth/thefts/*")
    button.click()
    expect(page.get_by_text("Notice dismissed.")).to_be_focused()


def test_a_notice_goes_with_the_password(page: Page, site: GunicornServer, ada: Person) -> None:
    """Its own button leads there."""
    steal(site, ada)
    log_in(page, ada)
    page.wait_for_timeout(1100)  # a theft in the second of the change may have come after it
    notices(page).get_by_role("link", name="This wasn't me").click()
    at_account(page, "Change your password")
    page.get_by_label("Current password", exact=True).fill(ada.password)
    page.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    submit(page)
    page.locator(".done").wait_for()
    for name, heading in PAGES:
        section(page, name)
        at_account(page, heading)
        expect(notices(page)).to_have_count(0)


def test_notices_can_be_read_by_everybody(page: Page, site: GunicornServer, ada: Person) -> None:
    """Small and large, light and dark; also one that was dismissed."""
    steal(site, ada)
    steal(site, ada)
    log_in(page, ada)
    page.get_by_role("button", name="It was me: dismiss").first.click()
    page.get_by_text("Notice dismissed.").wait_for()
    sound(page, "overview with notices")
