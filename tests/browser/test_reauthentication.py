"""The dialog that asks for the password again, in a real Chromium, in bound sessions."""

from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.support.browsing import (
    Device,
    Person,
    at_account,
    at_login,
    families,
    live,
    posts,
    refresh_cookie,
    section,
)
from tests.support.key_store import stored
from tests.support.reauthentication import (
    AT_ONCE,
    PATH,
    answer,
    end_the_others,
    question,
    said,
)
from tests.support.servers.gunicorn import GunicornServer


def test_the_password_is_asked_for_and_the_request_repeated(
    old: Page, site: GunicornServer, ada: Person, phone: Device
) -> None:
    """One question for all the sessions that end, and the answer is good for five minutes."""
    sent = posts(old)
    end_the_others(old)
    dialog = question(old)
    expect(dialog).to_contain_text(ada.email)
    assert phone.me() == 200
    answer(old, ada.password)
    said(old, "Session ended")
    expect(dialog).not_to_be_attached()
    assert phone.me() == 401
    assert len(live(site)) == 1
    assert live(site)[0]["jkt"]
    assert sent.count(PATH) == 1
    phone.log_in()
    old.reload()
    at_account(old, "Your sessions")
    end_the_others(old)
    said(old, "Session ended")
    assert sent.count(PATH) == 1


def bound_rotations(site: GunicornServer) -> list[int]:
    return [one["generation"] for one in live(site) if one["jkt"]]


def test_the_session_and_its_cookie_go_on(
    old: Page, context: BrowserContext, site: GunicornServer, ada: Person
) -> None:
    """Nothing is rotated by it, and the key stays the same one."""
    end_the_others(old)
    question(old)
    cookie, key, rotations = refresh_cookie(context), stored(context), bound_rotations(site)
    answer(old, ada.password)
    said(old, "Session ended")
    assert refresh_cookie(context) == cookie
    assert stored(context) == key
    assert bound_rotations(site) == rotations


def test_a_wrong_password_is_told_and_asked_for_again(
    old: Page, site: GunicornServer, ada: Person
) -> None:
    """In the field's own place, with an empty field that has the focus."""
    end_the_others(old)
    dialog = question(old)
    old.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_have_text("Enter your password.")
    answer(old, "wrong wrong wrong")
    expect(dialog.get_by_role("alert")).to_have_text("The password is wrong.")
    field = dialog.get_by_label("Password", exact=True)
    expect(field).to_have_value("")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    assert len(live(site)) == 2
    answer(old, ada.password)
    said(old, "Session ended")


def test_too_many_guesses_are_told_with_the_time(old: Page) -> None:
    end_the_others(old)
    for _ in range(10):
        answer(old, "wrong wrong wrong")
        expect(old.get_by_role("button", name="Confirm", exact=True)).to_be_visible()
    answer(old, "wrong wrong wrong")
    expect(old.get_by_role("dialog").get_by_role("alert")).to_contain_text("Try again in")


@pytest.mark.parametrize("how", ["Escape", "Cancel"])
def test_to_cancel_ends_nothing(old: Page, site: GunicornServer, how: str) -> None:
    """The page says so, the focus is back where it was, and the next attempt asks again."""
    end_the_others(old)
    question(old)
    if how == "Escape":
        old.keyboard.press("Escape")
    else:
        old.get_by_role("button", name="Cancel").click()
    said(old, "Nothing was done")
    expect(old.get_by_role("dialog")).not_to_be_attached()
    assert old.evaluate("document.activeElement.tagName") == "SUMMARY"
    assert len(live(site)) == 2
    end_the_others(old)
    question(old)


def test_the_keyboard_alone_is_enough(old: Page, ada: Person) -> None:
    """The focus goes from the field to what shows it, and to both buttons."""
    end_the_others(old)
    dialog = question(old)
    old.keyboard.type(ada.password)
    reached = []
    for _ in range(3):
        old.keyboard.press("Tab")
        reached.append(old.evaluate("document.activeElement.textContent"))
    assert reached == ["Show", "Confirm", "Cancel"]
    dialog.get_by_role("button", name="Show password").focus()
    old.keyboard.press("Space")
    field = dialog.get_by_label("Password", exact=True)
    expect(field).to_have_attribute("type", "text")
    expect(field).to_have_value(ada.password)
    dialog.get_by_role("button", name="Confirm").focus()
    old.keyboard.press("Space")
    said(old, "Session ended")


def test_many_requests_wait_for_one_dialog(old: Page, ada: Person) -> None:
    """All of them are repeated, each once; the server did nothing before."""
    sent = posts(old)
    old.evaluate(AT_ONCE)
    question(old)
    expect(old.locator("dialog")).to_have_count(1)
    answer(old, ada.password)
    assert old.evaluate("window.ended") == [404, 404, 404]
    assert sent.count(PATH) == 1
    expect(old.locator("dialog")).to_have_count(0)


def test_to_cancel_rejects_all_that_wait(old: Page) -> None:
    """Each with the same error, whose code says what happened."""
    old.evaluate(AT_ONCE)
    question(old)
    old.keyboard.press("Escape")
    error: dict[str, Any] = {
        "name": "Error",
        "code": "reauthentication_cancelled",
        "status": 0,
        "message": "Nothing was done: the password was not entered again.",
    }
    assert old.evaluate("window.ended") == [error] * 3


def test_a_fragment_that_needs_it_asks_only_when_told_to(
    old: Page, context: BrowserContext
) -> None:
    """After a refusal the page does not come back with the question by itself."""
    stale = {"WWW-Authenticate": 'DPoP error="insufficient_user_authentication"'}
    context.route("**/fragments/password", lambda route: route.fulfill(status=401, headers=stale))
    section(old, "Password")
    question(old)
    old.keyboard.press("Escape")
    alert = old.get_by_role("alert")
    expect(alert.get_by_role("heading")).to_have_text("This page needs your password")
    old.get_by_role("button", name="Enter the password").click()
    question(old)


def test_leaving_everywhere(old: Page, ada: Person, site: GunicornServer) -> None:
    """The last thing that this session does needs the password too, and then it is over."""
    old.get_by_text("Log out everywhere").first.click()
    old.get_by_role("button", name="Log out everywhere").click()
    answer(old, ada.password)
    at_login(old, "logged_out")
    assert live(site) == []


def test_leaving_here_needs_none(old: Page, site: GunicornServer) -> None:
    here = old.locator("[data-current]")
    here.locator("summary").click()
    here.get_by_role("button", name="Log out on this device").click()
    at_login(old, "logged_out")
    assert [one["revoked_reason"] for one in families(site)].count("logged_out") == 1
