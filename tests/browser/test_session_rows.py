"""The rows of the sessions page: what ends is named, and a question closes with Escape."""

from playwright.sync_api import Page, expect

from tests.support.browsing import Device, Person, at_account, live, log_in, open_section
from tests.support.servers.gunicorn import GunicornServer


def test_escape_closes_the_question(
    page: Page, site: GunicornServer, ada: Person, phone: Device
) -> None:
    """The focus goes back to what opened it, and nothing has ended."""
    phone.log_in()
    log_in(page, ada)
    open_section(page, "Sessions")
    row = page.locator("[data-session]:not([data-current])")
    opener = row.locator("summary")
    opener.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(row.get_by_role("button", name="End session")).to_be_focused()
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()
    expect(row.get_by_role("button", name="End session")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()
    assert len(live(site)) == 2
    assert phone.me() == 200


def test_each_button_names_what_it_ends(page: Page, ada: Person, phone: Device) -> None:
    """So that a list of buttons can be told apart."""
    phone.log_in()
    log_in(page, ada)
    page.goto("/account/sessions")
    at_account(page, "Your sessions")
    here = page.locator("[data-current]")
    other = page.locator("[data-session]:not([data-current])")
    expect(here.locator("summary")).to_have_text(
        "Log out on this device, Chrome on Linux, 127.0.0.1"
    )
    device = other.get_attribute("data-device")
    expect(other.locator("summary")).to_have_text(f"End on {device}, 127.0.0.1")
    other.locator("summary").click()
    expect(
        other.get_by_role("button", name=f"End session on {device}, 127.0.0.1", exact=True)
    ).to_be_visible()
    expect(here).to_contain_text("This device")
    expect(other).not_to_contain_text("This device")
