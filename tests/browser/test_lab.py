"""The lab as a visitor has it after `make run`: attacks in this very browser, on both sides."""

from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from app.threats import ENTRIES
from tests.browser.test_accessibility import NARROW, fits, sound, step_to
from tests.support.browsing import ADA, REFRESH, log_in
from tests.support.clone import Clone
from tests.support.mailbox import register

RUN_MS: Final = 60_000
SIDES: Final = ("here", "weakened")
# Under another site's address the last thing to be seen is what our server answered.
OTHER_SITE: Final = {"csrf-on-refresh": "cross_origin", "login-csrf": "403"}


@pytest.fixture
def site(development: Clone) -> Clone:
    return development


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A tab that may not complain: neither an error nor a line on the console."""
    page = context.new_page()
    heard: list[str] = []
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("console", lambda line: heard.append(line.text) if line.type == "error" else None)
    yield page
    assert heard == []


@pytest.fixture
def _by_browser_alone(context: BrowserContext) -> None:
    """Leave the programs' attacks out, which need no browser to be seen."""
    nothing = {"verdict": "skipped", "why": "", "steps": [], "picture": []}
    context.route("**/run?side=*", lambda route: route.fulfill(json=nothing))


browser_alone = pytest.mark.usefixtures("_by_browser_alone")


def run(page: Page) -> None:
    page.locator("#run").click()
    finished(page)


def finished(page: Page) -> None:
    again = page.get_by_role("button", name="Run it again")
    again.wait_for(timeout=RUN_MS)


def part(page: Page, side: str, name: str) -> Locator:
    heading = page.get_by_role("heading", name=name)
    return page.locator(f".side[data-side={side}] .outcome section").filter(has=heading)


def verdicts(page: Page, name: str = "In this browser") -> dict[str, str | None]:
    return {
        side: part(page, side, name).locator(".verdict").get_attribute("data-verdict")
        for side in SIDES
    }


@browser_alone
@pytest.mark.parametrize("slug", OTHER_SITE)
def test_from_another_site(page: Page, context: BrowserContext, slug: str) -> None:
    """A form posted by the attacker's page: refused here, done by the weakened endpoint."""
    page.goto(f"/lab/{slug}")
    with context.expect_page() as opened:
        run(page)
    assert verdicts(page) == {"here": "held", "weakened": "got_through"}
    here = part(page, "here", "In this browser")
    expect(here.locator(".exchange").last).to_contain_text("Sec-Fetch-Site: cross-site")
    expect(here.locator(".exchange").last).to_contain_text("Origin: http://127.0.0.1:")
    expect(opened.value.locator("body")).to_contain_text(OTHER_SITE[slug])
    assert REFRESH not in {cookie.get("name") for cookie in context.cookies()}


@browser_alone
def test_own_session_survives(page: Page, development: Clone) -> None:
    register(development.url, ADA.email, ADA.password)
    log_in(page, ADA)
    page.goto("/lab/csrf-on-refresh")
    run(page)
    assert verdicts(page) == {"here": "held", "weakened": "got_through"}
    page.goto("/lab/session-fixation")
    run(page)
    expect(part(page, "here", "In this browser")).to_contain_text("your own session goes on")
    assert verdicts(page) == {"here": "held", "weakened": "got_through"}
    page.goto("/account")
    expect(page.locator("#content")).to_contain_text(ADA.email)


@browser_alone
def test_clickjacking(page: Page, context: BrowserContext) -> None:
    page.goto("/lab/clickjacking")
    with context.expect_page() as opened:
        run(page)
    assert verdicts(page) == {"here": "held", "weakened": "got_through"}
    here, weakened = opened.value.frames[1:]
    assert here.url.startswith("chrome-error:")
    expect(weakened.get_by_role("button", name="Delete my account")).to_be_visible()


@browser_alone
def test_injected_script(page: Page) -> None:
    page.goto("/lab/xss-token-theft")
    run(page)
    assert verdicts(page) == {"here": "held", "weakened": "got_through"}
    here = part(page, "here", "In this browser")
    for text in ("what ran: nothing", "stopped 3 of 3", "IndexedDB: no token", "cookieStore: no"):
        expect(here).to_contain_text(text)
    weakened = part(page, "weakened", "In this browser")
    expect(weakened).to_contain_text("localStorage: 1 found")
    expect(weakened).to_contain_text("the stolen token is answered 200")
    assert page.evaluate("localStorage.length + document.cookie.length") == 0


@browser_alone
def test_planted_session(page: Page) -> None:
    page.goto("/lab/session-fixation")
    run(page)
    assert verdicts(page) == {"here": "held", "weakened": "got_through"}
    here = part(page, "here", "In this browser")
    expect(here).to_contain_text("document.cookie: the browser refused")
    expect(here).to_contain_text("cookieStore: TypeError")


def test_no_second_window(page: Page) -> None:
    page.add_init_script("window.open = () => null")
    page.goto("/lab/clickjacking")
    run(page)
    assert verdicts(page) == {"here": "inconclusive", "weakened": "inconclusive"}
    expect(part(page, "here", "In this browser")).to_contain_text("Allow pop-ups")
    assert verdicts(page, "From a program") == {"here": "held", "weakened": "got_through"}


def test_by_keyboard_alone(page: Page) -> None:
    page.goto("/lab")
    step_to(page, page.get_by_role("button", name="Run all"))
    page.goto("/lab/refresh-token-theft")
    step_to(page, page.locator("#run"))
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")  # a second press does no harm
    finished(page)
    said = page.get_by_role("status")
    expect(said).to_have_text("This server: held. The weakened variant: got through.")
    expect(page.locator("#run")).to_be_focused()
    step_to(page, page.locator(".side[data-side=here] .exchange summary").first)
    page.keyboard.press("Enter")
    step_to(page, page.get_by_role("group", name="Request").first)
    expect(page.locator(".exchange[open] pre").first).to_contain_text("POST /auth/login")
    ended = page.locator(".side[data-side=here] .lineage .end").first
    expect(ended).to_contain_text("Revoked")
    expect(page.locator(".side[data-side=weakened] .lineage .end")).to_have_count(0)


def test_for_everybody(page: Page) -> None:
    page.goto("/lab")
    sound(page, "lab")
    page.set_viewport_size({"width": NARROW["width"], "height": NARROW["height"]})
    page.goto("/lab/refresh-token-theft")
    run(page)
    assert page.locator(".story[open]").count() == 0
    for folded in (".story", ".undone details", ".exchange"):
        page.locator(f"{folded} > summary").first.click()
    sound(page, "card after its run")


def test_all_in_a_row(page: Page) -> None:
    page.goto("/lab")
    page.get_by_role("button", name="Run all").click()
    first = page.locator("[data-slug=xss-token-theft] .verdicts")
    expect(first).to_contain_text("This server: held", timeout=RUN_MS)
    page.get_by_role("button", name="Stop").click()
    expect(first).to_contain_text("Weakened variant: got through", timeout=RUN_MS)
    expect(page.get_by_role("status")).to_contain_text(f"1 of {len(ENTRIES)}", timeout=RUN_MS)
    fits(page, "list with verdicts")


def test_offline(context: BrowserContext) -> None:
    page = context.new_page()
    page.route("**/run?side=*", lambda route: route.abort("connectionfailed"))
    page.goto("/lab/replay")
    run(page)
    expect(page.get_by_role("status")).to_contain_text("could not be reached")
    expect(page.locator(".waiting").first).to_have_text("Not run.")
