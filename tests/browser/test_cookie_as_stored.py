"""The refresh token's cookie as Chromium stores it, and what script can do to it: nothing."""

from typing import Any, Final

from playwright.sync_api import BrowserContext, Page, expect

from tests.support.browsing import REFRESH, Person, at_login, log_in, refresh_cookie, reload

PLANTS: Final = [
    f"{REFRESH}=planted; Secure; Path=/",
    f"{REFRESH}=planted; Secure; Path=/; HttpOnly; SameSite=Strict",
    f"{REFRESH}=planted; Path=/auth",
    f"{REFRESH}=; Secure; Path=/; Max-Age=0",
    f"={REFRESH}=planted; Secure; Path=/",
    f"{REFRESH.upper()}=planted; Secure; Path=/",
    f"{REFRESH.lower()}=planted; Secure; Path=/",
    f"{REFRESH}=planted; Secure; Path=/; Domain=localhost",
]
# More cookies than a site may have: the oldest, ours among them, must make room.
OVERFLOW: Final = """
() => {
  for (let i = 0; i < 400; i += 1) document.cookie = `filler${i}=1; Secure; Path=/`;
  for (let i = 0; i < 400; i += 1) document.cookie = `filler${i}=; Secure; Path=/; Max-Age=0`;
}
"""
PLANT_BY_STORE: Final = """
name => cookieStore.set({ name, value: 'planted', path: '/' }).then(() => 'set', String)
"""


def stored(page: Page) -> list[dict[str, Any]]:
    """Read the whole jar as Chromium's developer tools see it."""
    session = page.context.new_cdp_session(page)
    cookies: list[dict[str, Any]] = session.send("Network.getAllCookies")["cookies"]
    session.detach()
    return cookies


def test_attributes(page: Page, context: BrowserContext, ada: Person) -> None:
    log_in(page, ada)
    cookies = stored(page)
    assert {cookie["name"] for cookie in cookies} == {
        REFRESH,
        "__Host-Http-form",
        "__Host-Http-device",
    }
    for cookie in cookies:
        assert cookie["httpOnly"]
        assert cookie["secure"]
        assert cookie["sameSite"] == "Strict"
        assert cookie["path"] == "/"
        assert cookie["domain"] == "localhost"  # with a Domain attribute it would be .localhost
    refresh = refresh_cookie(context)
    assert refresh
    assert (refresh.get("httpOnly"), refresh.get("secure")) == (True, True)
    assert (refresh.get("sameSite"), refresh.get("expires")) == ("Strict", -1)
    assert [one["session"] for one in cookies if one["name"] == REFRESH] == [True]


def test_remembered_cookie_differs_in_its_life_only(page: Page, ada: Person) -> None:
    log_in(page, ada, remember=True)
    refresh = next(cookie for cookie in stored(page) if cookie["name"] == REFRESH)
    assert not refresh["session"]
    assert (refresh["httpOnly"], refresh["secure"], refresh["sameSite"]) == (True, True, "Strict")
    assert (refresh["path"], refresh["domain"]) == ("/", "localhost")


def test_script_cannot_read_it(page: Page, context: BrowserContext, ada: Person) -> None:
    log_in(page, ada)
    refresh = refresh_cookie(context)
    assert refresh
    assert page.evaluate("document.cookie") == ""
    assert page.evaluate("cookieStore.getAll()") == []
    assert page.evaluate("name => cookieStore.get(name)", REFRESH) is None
    headers = page.evaluate(
        "fetch('/auth/refresh', { method: 'POST' })"
        ".then(answer => [...answer.headers.keys()].join(' '))"
    )
    assert "cookie" not in headers.lower()


def test_script_cannot_set_or_delete_it(page: Page, context: BrowserContext, ada: Person) -> None:
    log_in(page, ada)
    before = refresh_cookie(context)
    for line in PLANTS:
        page.evaluate("line => { document.cookie = line }", line)
    assert "TypeError" in page.evaluate(PLANT_BY_STORE, REFRESH)
    page.evaluate("name => cookieStore.delete(name).catch(() => {})", REFRESH)
    assert refresh_cookie(context) == before
    named = [one for one in stored(page) if one["name"].lower().endswith(REFRESH.lower())]
    assert len(named) == 1


def test_script_cannot_plant_it_in_an_emptied_jar(page: Page, ada: Person) -> None:
    """Crowding it out logs the user out; putting the attacker's in its place fails."""
    log_in(page, ada)
    for _ in range(20):  # which cookies go first is the browser's own business
        page.evaluate(OVERFLOW)
        if refresh_cookie(page.context) is None:
            break
    assert refresh_cookie(page.context) is None
    for line in PLANTS:
        page.evaluate("line => { document.cookie = line }", line)
    assert "TypeError" in page.evaluate(PLANT_BY_STORE, REFRESH)
    assert "planted" not in {cookie["value"] for cookie in stored(page)}
    page.reload()
    at_login(page, "session_ended")
    expect(page.locator("form[data-form=login]")).to_be_visible()


def test_control_an_ordinary_name_can_be_planted(page: Page) -> None:
    """The same lines do plant a cookie whose name carries no prefix: the attack is real."""
    page.goto("/login")
    page.evaluate("line => { document.cookie = line }", PLANTS[0].replace("__Host-Http-", ""))
    assert "planted" in {cookie["value"] for cookie in stored(page)}


def test_cookies_with_quotes_around_it_cost_no_session(page: Page, ada: Person) -> None:
    """What a sibling host can set for the domain stands before and behind ours in the header."""
    page.goto("/threats")
    page.evaluate("document.cookie = 'a=\"; Path=/'")
    log_in(page, ada)
    page.evaluate("document.cookie = 'z=\"; Path=/'")
    assert [one.get("name") for one in page.context.cookies()][:1] == ["a"]
    reload(page)
