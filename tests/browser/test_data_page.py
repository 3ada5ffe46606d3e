"""The page Your data: take everything along, and leave, with the keyboard alone."""

import json
import socket
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from app.web.cookies import FORM
from tests.support.browsing import (
    Device,
    Person,
    at_account,
    at_login,
    live,
    log_in,
    open_account,
    section,
)
from tests.support.reauthentication import answer, let_the_log_in_be_old, question, said
from tests.support.servers.gunicorn import GunicornServer

# How many keys the browser has; another tab may have made an empty database.
KEYS = """
async () => {
  if (!(await indexedDB.databases()).length) return 0;
  const done = request => new Promise(resolve => {
    request.onsuccess = () => resolve(request.result);
  });
  const database = await done(indexedDB.open('latchkey'));
  if (!database.objectStoreNames.length) return 0;
  return done(database.transaction('keys').objectStore('keys').count());
}
"""
GONE = "**/account/deleted"
UNCERTAIN = "your account may or may not be deleted"


@pytest.fixture
def data(page: Page, ada: Person) -> Page:
    log_in(page, ada)
    section(page, "Your data")
    at_account(page, "Your data")
    return page


@pytest.fixture
def old_data(data: Page, site: GunicornServer) -> Page:
    """The page of somebody who logged in a while ago."""
    let_the_log_in_be_old(site)
    data.reload()
    at_account(data, "Your data")
    return data


def ask_to_delete(page: Page) -> None:
    page.bring_to_front()
    page.get_by_text("Delete my account").click()
    page.get_by_role("button", name="Delete for good").click()


def downloaded(page: Page) -> dict[str, Any]:
    """Press the button, and return what is in the file."""
    with page.expect_download() as arriving:
        page.get_by_role("button", name="Download my data").press("Enter")
    download = arriving.value
    assert download.suggested_filename.startswith("your-data-")
    said(page, f"Downloaded: {download.suggested_filename}.")
    found: dict[str, Any] = json.loads(download.path().read_text(encoding="utf-8"))
    return found


def accounts(site: GunicornServer) -> int:
    with closing(sqlite3.connect(site.database, timeout=10)) as database:
        (count,) = database.execute("SELECT count(*) FROM users").fetchone()
    return int(count)


def test_the_data_come_as_a_file(data: Page, ada: Person) -> None:
    found = downloaded(data)
    assert found["account"]["email"] == ada.email
    assert len(found["sessions"]) == 1
    expect(data.get_by_role("button", name="Download my data")).to_be_visible()
    section(data, "Activity")
    expect(data.locator(".diary")).to_contain_text("Data downloaded")


def test_they_come_after_the_password(old_data: Page, ada: Person) -> None:
    with old_data.expect_download():
        old_data.get_by_role("button", name="Download my data").click()
        answer(old_data, ada.password)


def test_it_can_be_left_alone(old_data: Page, site: GunicornServer) -> None:
    """Each question can be answered with no; nothing is done then, and the page says so."""
    old_data.get_by_text("Delete my account").click()
    old_data.get_by_role("button", name="Cancel").click()
    ask_to_delete(old_data)
    question(old_data)
    old_data.keyboard.press("Escape")
    said(old_data, "Nothing was done")
    old_data.get_by_role("button", name="Download my data").click()
    question(old_data)
    old_data.keyboard.press("Escape")
    said(old_data, "Nothing was done")
    expect(old_data.get_by_role("button", name="Download my data")).to_be_enabled()
    assert accounts(site) == 1


def test_the_page_names_what_is_lost(data: Page, ada: Person, phone: Device) -> None:
    expect(data.locator(".lost")).to_contain_text("your session on this device")
    phone.log_in()
    data.reload()
    at_account(data, "Your data")
    expect(data.locator(".lost")).to_contain_text("on this device, and that on another")
    expect(data.locator(".card.danger")).to_contain_text(ada.email)


def test_the_account_goes_with_everything_in_the_browser(
    old_data: Page, context: BrowserContext, site: GunicornServer, ada: Person, phone: Device
) -> None:
    """Every tab shows nothing of it from then on, also on the way back, and nothing is stored."""
    phone.log_in()
    others = [open_account(context), open_account(context, "/account/data")]
    assert old_data.evaluate(KEYS) == 1
    ask_to_delete(old_data)
    answer(old_data, ada.password)
    old_data.wait_for_url(GONE)
    expect(old_data.get_by_role("heading")).to_have_text("Your account is deleted")
    for tab in others:
        at_login(tab, "logged_out")
        assert ada.email not in tab.content()
    assert phone.me() == 401
    assert accounts(site) == 0
    assert {cookie.get("name") for cookie in context.cookies()} <= {FORM}
    assert old_data.evaluate(KEYS) == 0
    old_data.bring_to_front()
    old_data.go_back()
    at_login(old_data, "session_ended")
    assert ada.email not in old_data.content()


def test_what_keeps_it_is_said(data: Page, site: GunicornServer) -> None:
    """A row of a product refers to the account."""
    user_id = live(site)[0]["user_id"]
    data.set_viewport_size({"width": 390, "height": 500})
    with closing(sqlite3.connect(site.database, timeout=10)) as database, database:
        database.execute("CREATE TABLE drafts (user_id TEXT REFERENCES users (id))")
        database.execute("INSERT INTO drafts VALUES (?)", (user_id,))
    try:
        ask_to_delete(data)
        said(data, "Ask whoever runs this site to delete it")
        expect(data.locator(".said")).to_be_in_viewport()
    finally:
        with closing(sqlite3.connect(site.database, timeout=10)) as database, database:
            database.execute("DROP TABLE drafts")
    ask_to_delete(data)
    data.wait_for_url(GONE)


def test_a_lost_answer_is_not_taken_for_either(data: Page, context: BrowserContext) -> None:
    """The request arrived, and the answer did not. Trying again tells."""

    def lose(route: Route) -> None:
        route.fetch()
        route.abort("connectionreset")

    context.route("**/auth/account", lose)
    ask_to_delete(data)
    said(data, UNCERTAIN)
    context.unroute("**/auth/account")
    ask_to_delete(data)
    at_login(data, "session_ended")


BUSY = {"code": "busy", "detail": "The server is busy. Try again in 2 seconds."}


@pytest.mark.parametrize(
    ("response", "words"),
    [
        ({"status": 503, "body": json.dumps(BUSY)}, "The server is busy."),
        ({"status": 502, "body": "<html>"}, "The server could not do that. Try again."),
        ({}, "The server could not be reached."),
    ],
    ids=["busy", "proxy", "offline"],
)
def test_a_file_that_does_not_come_can_be_asked_for_again(
    data: Page, context: BrowserContext, response: dict[str, Any], words: str
) -> None:
    def fail(route: Route) -> None:
        if response:
            route.fulfill(**response)
        else:
            route.abort("connectionfailed")

    context.route("**/auth/export", fail)
    data.get_by_role("button", name="Download my data").click()
    said(data, words)
    context.unroute("**/auth/export")
    assert downloaded(data)["account"]


@contextmanager
def cut_short() -> Iterator[str]:
    """Run a server whose answer breaks off; return its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            link, _ = listener.accept()
            with link:
                link.recv(65536)
                link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")

        with ThreadPoolExecutor(1) as pool:
            pool.submit(answer)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


def test_half_a_file_is_none(data: Page, context: BrowserContext) -> None:
    with cut_short() as url:
        context.route("**/auth/export", lambda route: route.continue_(url=url))
        data.get_by_role("button", name="Download my data").click()
        said(data, "The file did not arrive whole. Try again.")
    context.unroute("**/auth/export")
    assert downloaded(data)["account"]


def test_a_second_press_asks_for_no_second_file(data: Page, context: BrowserContext) -> None:
    asked: list[Route] = []
    context.route("**/auth/export", lambda route: asked.append(route))  # noqa: PLW0108 - Playwright marks it
    button = data.locator("#content .button.main")
    button.click()
    expect(button).to_have_text("Preparing…")
    button.click()
    with data.expect_download():
        asked[0].continue_()
    assert len(asked) == 1
