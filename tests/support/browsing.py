"""Who visits: a person with a password, in this browser and on another device."""

import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

from playwright.sync_api import (
    APIRequestContext,
    APIResponse,
    BrowserContext,
    Cookie,
    Page,
    Request,
    expect,
)

from config import ROOT
from tests.support.servers.gunicorn import GunicornServer

SCRIPTS: Final = ROOT / "tests" / "browser" / "scripts"
# Tabs cannot take turns then.
NO_LOCK: Final = "LockManager.prototype.request = () => Promise.reject(Error())"
REFRESH: Final = "__Host-Http-refresh"
NEW_PASSWORD: Final = "another marble teapot wanders"


@dataclass(frozen=True)
class Person:
    email: str
    password: str


ADA: Final = Person("ada@example.com", "quarry lantern umbrella nine")
MISTYPED: Final = Person(ADA.email, "not at all the password")
BOB: Final = Person("bob@example.com", "seven pigeons near a teapot")
HEADINGS: Final = {
    "Overview": "Your account",
    "Sessions": "Your sessions",
    "Activity": "Your activity",
    "Password": "Change your password",
    "E-mail": "Change your address",
    "Your data": "Your data",
}


def module(name: str) -> str:
    """Return an expression of the address at which a page loaded a module of `static/js`.

    The same module at another address is another one, with a state of its own.
    """
    return f"""document.querySelector('[href$="/js/{name}.js"]').href"""


def script(name: str) -> str:
    """Read one of the scripts that the tests run in a page."""
    return (SCRIPTS / f"{name}.js").read_text(encoding="utf-8")


class Device:
    """A program of the same person on another device, over the JSON API."""

    def __init__(self, api: APIRequestContext, person: Person) -> None:
        self._api = api
        self._person = person
        self._bearer: dict[str, str] = {}

    def log_in(self) -> dict[str, Any]:
        body = {"email": self._person.email, "password": self._person.password}
        answer = self._api.post("/auth/login", data=body)
        assert answer.status == 200, answer.text()
        granted: dict[str, Any] = answer.json()
        self._bearer = {"Authorization": f"Bearer {granted['access_token']}"}
        return granted

    def me(self) -> int:
        return self._api.get("/api/me", headers=self._bearer).status

    def sessions(self) -> list[dict[str, Any]]:
        answer = self._api.get("/auth/sessions", headers=self._bearer)
        listed: list[dict[str, Any]] = answer.json()["sessions"]
        return listed

    def end_others(self) -> None:
        for session in self.sessions():
            if not session["current"]:
                path = f"/auth/sessions/{session['id']}"
                assert self._api.delete(path, headers=self._bearer).status == 204

    def change_password(self, new: str) -> APIResponse:
        body = {"current_password": self._person.password, "new_password": new}
        return self._api.post("/auth/password", data=body, headers=self._bearer)


def ask_for_account(page: Page, email: str) -> None:
    """Fill in the first form of a registration and send it."""
    page.goto("/register")
    page.get_by_label("E-mail address").fill(email)
    submit(page)
    page.wait_for_url("**/register/sent")


def open_mailed_link(page: Page, path: str) -> None:
    """Follow a link as a mail program does, as far as the page without the token."""
    page.goto(path)
    page.wait_for_url(f"**{path.partition('?')[0]}")


def choose_password(page: Page, password: str) -> None:
    page.get_by_label("Password", exact=True).fill(password)
    submit(page)


def fill_in(page: Page, person: Person) -> None:
    page.get_by_label("E-mail address").fill(person.email)
    page.get_by_label("Password", exact=True).fill(person.password)


def submit(page: Page) -> None:
    page.bring_to_front()
    page.locator("main form button.main").click()


def enter_passwords(page: Page, current: str, new: str = NEW_PASSWORD) -> None:
    """Fill in the form for a new password and send it."""
    page.get_by_label("Current password", exact=True).fill(current)
    page.get_by_label("New password", exact=True).fill(new)
    submit(page)


def password_is_changed(page: Page) -> None:
    expect(page.get_by_role("heading", name="Your password is changed")).to_be_visible()


def load_at_once(tabs: list[Page], url: str) -> None:
    for tab in tabs:
        tab.evaluate("url => void setTimeout(() => location.assign(url))", url)
    for tab in tabs:
        at_account(tab)


def send(page: Page, person: Person) -> None:
    """Fill in the form at hand and send it."""
    fill_in(page, person)
    submit(page)


def log_in(page: Page, person: Person, path: str = "/login", *, remember: bool = False) -> None:
    page.goto(path)
    if remember:
        page.get_by_label("Keep me logged in").check()
    send(page, person)
    at_account(page)


def open_account(context: BrowserContext, path: str = "/account") -> Page:
    page = context.new_page()
    page.goto(path)
    page.locator("#content > [data-view]").wait_for()
    return page


def cookie_only(context: BrowserContext, person: Person) -> None:
    """Log in without a page, as somebody who comes back to a browser that remembers them."""
    body = {"email": person.email, "password": person.password}
    assert context.request.post("/auth/login", data=body).status == 200


def at_account(page: Page, heading: str = "Your account") -> None:
    """Wait until an account page shows its content; a tab in front is not slowed down."""
    page.bring_to_front()
    page.locator("#content [data-view] h1", has_text=heading).wait_for()


def at_login(page: Page, notice: str) -> None:
    page.bring_to_front()
    page.wait_for_url(f"**/login?notice={notice}*")
    page.get_by_role("heading", name="Log in", exact=True).wait_for()


def log_out(page: Page) -> None:
    page.bring_to_front()
    page.get_by_role("button", name="Log out", exact=True).first.click()
    at_login(page, "logged_out")


def refresh_cookie(context: BrowserContext) -> Cookie | None:
    return next((one for one in context.cookies() if one.get("name") == REFRESH), None)


def families(site: GunicornServer) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(site.database, timeout=10)) as database:
        database.row_factory = sqlite3.Row
        rows = database.execute("SELECT * FROM families ORDER BY created_at, family_id")
        return [dict(row) for row in rows]


def live(site: GunicornServer) -> list[dict[str, Any]]:
    return [family for family in families(site) if family["revoked_at"] is None]


def faulty(page: Page, *words: str) -> None:
    """Wait for the error summary; it holds these words and has the focus."""
    summary = page.get_by_role("alert")
    summary.and_(page.locator(":focus")).wait_for()
    for sentence in words:
        expect(summary).to_contain_text(sentence)


def posts(page: Page) -> list[str]:
    """Return a list that grows with the paths the tab posts to."""
    sent: list[str] = []

    def note(request: Request) -> None:
        if request.method == "POST":
            sent.append(re.sub(r"^https?://[^/]+", "", request.url))

    page.on("request", note)
    return sent


def section(page: Page, name: str) -> None:
    page.bring_to_front()
    page.get_by_role("navigation", name="Account").get_by_role("link", name=name).click()


def open_section(page: Page, name: str) -> None:
    """Go to another account page and wait for its content."""
    section(page, name)
    at_account(page, HEADINGS[name])


def reload(page: Page, heading: str = "Your account") -> None:
    """Reload an account page and wait for its content."""
    page.reload()
    at_account(page, heading)


def press_refresh(page: Page) -> None:
    page.bring_to_front()
    page.get_by_role("button", name="Refresh now").click()
    expect(page.locator(".said")).to_contain_text("Done.")


def ask_the_api(page: Page) -> None:
    page.get_by_role("button", name="Call GET /api/me").click()
    expect(page.locator(".answer")).to_contain_text("200")
