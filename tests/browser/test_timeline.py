"""The timeline and the picture of the overview show what the page sends, and no credential."""

import re
from typing import Any, Final

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Request, expect

from tests.browser.test_quiet import MAX_SHIFT, SHIFTS, shifted
from tests.support.browsing import (
    NEW_PASSWORD,
    Person,
    ask_the_api,
    at_account,
    cookie_only,
    enter_passwords,
    log_in,
    module,
    open_section,
    password_is_changed,
    press_refresh,
    refresh_cookie,
)
from tests.support.reauthentication import let_the_log_in_be_old
from tests.support.servers.gunicorn import GunicornServer

MAX_LINES: Final = 20
MAX_RECORDS: Final = 50
TOPS: Final = "all => all.map(one => one.getBoundingClientRect().top + scrollY)"
LISTEN: Final = f"""
async () => {{
  const {{ onRequest }} = await import({module("session")});
  window.records = [];
  let isLater = false;
  onRequest(record => {{
    window.records.push(record);
    if (isLater) throw Error('a listener of the page');
  }});
  isLater = true;
}}
"""
CALL: Final = f"""
async ([path, init, times]) => {{
  const {{ authorizedFetch }} = await import({module("session")});
  for (let i = 0; i < times; i += 1) await authorizedFetch(path, init);
}}
"""


class Credentials:
    """Collects each value that the page's requests and their answers authenticate with."""

    def __init__(self, page: Page, context: BrowserContext) -> None:
        self.values: set[str] = set()
        self._context = context
        page.on("request", self._note)

    def _note(self, request: Request) -> None:
        for header, value in request.headers.items():
            if header in {"authorization", "dpop"}:
                self.values.add(value.rpartition(" ")[2])
        cookie = refresh_cookie(self._context)
        if cookie:
            self.values.add(str(cookie.get("value")))

    def are_absent_from(self, text: str) -> None:
        """Check that neither a credential is in it nor one of its parts that say something."""
        assert len(self.values) >= 6
        for value in self.values:
            for part in value.split("."):
                assert part not in text


def lines(page: Page) -> Locator:
    page.locator("[data-split]").scroll_into_view_if_needed()
    expect(page.locator(".log-body > li").first).to_be_visible()
    return page.locator(".log-body > li")


def newest(page: Page, path: str) -> str:
    found = lines(page).filter(has=page.locator("b", has_text=path)).first
    return re.sub(r"\s+", " ", found.locator("summary").inner_text())


def names_on_the_rail(page: Page) -> list[str]:
    items = page.locator("[data-rail] > li").all_inner_texts()
    return [re.split(r"\s", text)[0] for text in items]


def test_the_log_in_a_refresh_and_a_call(page: Page, ada: Person) -> None:
    """Each has its status and the names of its tokens; the newest is first."""
    log_in(page, ada)
    assert re.search(r"POST /auth/login 200 → R1, A1 \d+ ms", newest(page, "/auth/login"))
    assert re.search(r"with A1", newest(page, "/fragments/account"))
    press_refresh(page)
    ask_the_api(page)
    assert re.search(
        r"^[\d:]{8} POST /auth/refresh 200 R1 → R2, A2 \d+ ms$", newest(page, "/auth/refresh")
    )
    assert re.search(r"GET /api/me 200 with A2 \d+ ms", newest(page, "/api/me"))
    expect(lines(page).first).to_contain_text("/api/me")
    expect(page.locator("[data-tok=access]")).to_have_text("A2")
    expect(page.locator("[data-tok=refresh]")).to_have_text("R2")
    assert names_on_the_rail(page) == ["R1", "R2"]


def test_a_document_that_found_its_session(
    page: Page, context: BrowserContext, ada: Person
) -> None:
    """The token from before is R0; what was sent before the timeline was in view is there too."""
    cookie_only(context, ada)
    page.goto("/account")
    at_account(page)
    open_section(page, "Sessions")
    open_section(page, "Overview")
    assert "R0 → R1, A1" in newest(page, "/auth/refresh")
    assert "with A1" in newest(page, "/fragments/sessions")
    expect(page.locator("[data-tok=refresh]")).to_have_text("R1")
    assert names_on_the_rail(page) == ["R0", "R1"]
    expect(page.locator("[data-count]")).to_have_text(re.compile("^(9:5|10:)"))


def test_each_header_says_who_attached_it(page: Page, ada: Person) -> None:
    """The browser by itself, the script, or the key; by keyboard."""
    log_in(page, ada)
    ask_the_api(page)
    summary = lines(page).first.locator("summary")
    summary.focus()
    page.keyboard.press("Enter")
    sent = lines(page).first.locator(".headers li")
    told = [re.sub(r"\s+", " ", text) for text in sent.all_inner_texts()]
    assert [
        text.split(" Attached")[0].split(" Where")[0].split(" Signed")[0] for text in told
    ] == [
        "Cookie: R1 browser",
        "Sec-Fetch-Site: same-origin browser",
        "Authorization: A1 script",
        "DPoP: a proof key",
    ]
    page.get_by_text("What the server received").click()
    received = page.get_by_role("list", name="Headers of the last GET /fragments/account")
    expect(received.get_by_role("listitem")).to_have_text(
        [
            re.compile("^Cookie: __Host-Http-refresh, __Host-Http-device.*browser"),
            re.compile("^Sec-Fetch-Site: same-origin.*browser"),
            re.compile("^Origin: none.*browser"),
            re.compile("^Authorization: dpop.*script"),
            re.compile("^DPoP: a proof.*key"),
        ]
    )


def test_no_credential_is_in_it(page: Page, context: BrowserContext, ada: Person) -> None:
    """Neither in the page nor in what a listener hears, whose own errors stop no request."""
    credentials = Credentials(page, context)
    log_in(page, ada)
    page.evaluate(LISTEN)
    press_refresh(page)
    ask_the_api(page)
    lines(page)
    for summary in page.locator(".log-body summary").all():
        summary.click()
    told: str = page.evaluate("JSON.stringify(records)")
    assert told.count("sentAt") >= 5
    credentials.are_absent_from(page.locator("html").evaluate("html => html.outerHTML"))
    credentials.are_absent_from(told)
    assert ada.password not in told


def test_a_listener_hears_what_was_and_what_comes(page: Page, ada: Person) -> None:
    log_in(page, ada)
    page.evaluate(LISTEN)
    page.evaluate(CALL, ["/api/me", {"method": "POST", "body": "not told"}, 1])
    first, *_, last = page.evaluate("records")
    assert first["url"] == "/auth/login"
    times = [last.pop(name) for name in ("sentAt", "endedAt")]
    assert times == sorted(times)
    assert last == {
        "method": "POST",
        "url": page.evaluate("location.origin") + "/api/me",
        "status": 405,
        "isProven": True,
        "token": 1,
    }


def test_a_request_without_an_answer(page: Page, ada: Person) -> None:
    log_in(page, ada)
    lines(page)
    page.route("**/api/me", lambda route: route.abort("connectionfailed"))
    page.get_by_role("button", name="Call GET /api/me").click()
    expect(page.locator(".said")).to_have_text("The server could not be reached.")
    assert re.search(r"GET /api/me failed no answer", newest(page, "/api/me"))


def test_it_keeps_the_latest_only(page: Page, context: BrowserContext, ada: Person) -> None:
    """Before it is in view and after."""
    cookie_only(context, ada)
    page.goto("/account")
    at_account(page)
    page.evaluate(CALL, ["/api/me?secret=word", {}, MAX_RECORDS + 1])
    page.evaluate(LISTEN)
    assert page.evaluate("records.length") == MAX_RECORDS
    expect(lines(page)).to_have_count(MAX_LINES)
    ask_the_api(page)
    expect(lines(page)).to_have_count(MAX_LINES)
    assert "secret" not in page.locator(".log-body").inner_text()


def test_a_new_session_begins_a_new_family(page: Page, site: GunicornServer, ada: Person) -> None:
    """A password change does; a password given again brings an access token alone.

    The request that asked for it was sent twice before, with a refresh in between.
    """
    log_in(page, ada)
    open_section(page, "Password")
    enter_passwords(page, ada.password)
    password_is_changed(page)
    open_section(page, "Overview")
    assert "with A1 → R2, A2" in newest(page, "/auth/password")
    assert names_on_the_rail(page) == ["R2"]
    let_the_log_in_be_old(site)
    press_refresh(page)
    open_section(page, "Your data")
    page.get_by_role("button", name="Download my data").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Password", exact=True).fill(NEW_PASSWORD)
    with page.expect_download():
        page.keyboard.press("Enter")
    open_section(page, "Overview")
    assert "with A4 → A5" in newest(page, "/auth/reauthenticate")
    expect(page.locator("[data-tok=access]")).to_have_text("A5")
    expect(page.locator("[data-tok=refresh]")).to_have_text("R4")


@pytest.mark.parametrize("width", [320, 1280])
def test_nothing_jumps_when_something_happens(
    page: Page, context: BrowserContext, ada: Person, width: int
) -> None:
    """What is said, answered and listed has its place before it is there."""
    context.add_init_script(SHIFTS)
    page.set_viewport_size({"width": width, "height": 800})
    log_in(page, ada)
    lines(page)
    press_refresh(page)  # brings the buttons into view
    page.evaluate("window.shift = 0")
    places = page.locator("#refresh, .log, #claims").evaluate_all(TOPS)
    press_refresh(page)
    ask_the_api(page)
    assert page.locator("#refresh, .log, #claims").evaluate_all(TOPS) == places
    assert shifted(page) < MAX_SHIFT


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_the_tokens_travel_only_where_motion_is_wanted(
    page: Page,
    ada: Person,
    motion: Any,  # noqa: ANN401 - a literal of Playwright
) -> None:
    page.emulate_media(reduced_motion=motion)
    log_in(page, ada)
    lines(page)
    page.evaluate(
        "() => { window.flights = 0; const { animate } = Element.prototype;"
        " Element.prototype.animate = function (...given) {"
        " window.flights += 1; return Reflect.apply(animate, this, given); }; }"
    )
    press_refresh(page)
    expect(page.locator("[data-tok=refresh]")).to_have_text("R2")
    assert (page.evaluate("flights") > 0) == (motion == "no-preference")


def test_nothing_is_loaded_for_it_before_it_is_in_view(
    page: Page, context: BrowserContext, ada: Person
) -> None:
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url.rpartition("/")[2]))
    cookie_only(context, ada)
    page.goto("/account", wait_until="networkidle")
    at_account(page)
    assert "live.js" not in loaded
    lines(page)
    assert {"live.js", "timeline.js", "exchanges.js", "split.js"} <= set(loaded)
