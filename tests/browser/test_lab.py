"""The lab as a visitor has it after `make run`: attacks in this very browser, on both sides."""

import json
from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from app.dev.lab.choices import choices_of
from app.dev.lab.weakened import variants_of
from app.threats import ENTRIES
from tests.browser.test_accessibility import NARROW, sound, step_to
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


def streamed(*events: dict[str, object]) -> str:
    return "".join(f"{json.dumps(event)}\n" for event in events)


@pytest.fixture
def _by_browser_alone(context: BrowserContext) -> None:
    """Leave the programs' attacks out, which need no browser to be seen."""
    nothing: dict[str, object] = {"verdict": "skipped", "why": "", "picture": []}
    body = streamed(*({"side": side, **nothing} for side in SIDES), {"run": "0" * 16})
    context.route("**/lab/*/run", lambda route: route.fulfill(body=body))


browser_alone = pytest.mark.usefixtures("_by_browser_alone")


def run(page: Page) -> None:
    page.locator("#run").click()
    finished(page)


def finished(page: Page) -> None:
    again = page.get_by_role("button", name="Run it again")
    again.wait_for(timeout=RUN_MS)


def clock(page: Page, name: str = "In this browser") -> Locator:
    return page.locator(".clock").filter(has=page.get_by_role("heading", name=name))


def lane(page: Page, side: str, text: str, name: str = "In this browser") -> Locator:
    """The first thing of that text that one side did or found."""
    return clock(page, name).locator(f".lane[data-side={side}]").filter(has_text=text).first


def verdicts(page: Page, name: str = "In this browser") -> dict[str, str | None]:
    ends = clock(page, name).locator(".verdicts")
    return {
        side: ends.locator(f"[data-side={side}]").get_attribute("data-verdict") for side in SIDES
    }


@browser_alone
@pytest.mark.parametrize("slug", OTHER_SITE)
def test_from_another_site(page: Page, context: BrowserContext, slug: str) -> None:
    """A form posted by the attacker's page: refused here, done by the weakened endpoint."""
    page.goto(f"/lab/{slug}")
    with context.expect_page() as opened:
        run(page)
    assert verdicts(page) == {"here": "held", "weakened": "got_through"}
    sent = clock(page).locator(".messages").filter(has_text="Sec-Fetch-Site: cross-site").last
    expect(sent).to_contain_text("Origin: http://127.0.0.1:")
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
    expect(lane(page, "here", "your own session goes on")).to_be_visible()
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
    for text in ("what ran: nothing", "stopped 3 of 3", "IndexedDB: no token", "cookieStore: no"):
        expect(lane(page, "here", text)).to_be_visible()
    for text in ("localStorage: 1 found", "the stolen token is answered 200"):
        expect(lane(page, "weakened", text)).to_be_visible()
    assert page.evaluate("localStorage.length + document.cookie.length") == 0


@browser_alone
def test_planted_session(page: Page) -> None:
    page.goto("/lab/session-fixation")
    run(page)
    assert verdicts(page) == {"here": "held", "weakened": "got_through"}
    for text in ("document.cookie: the browser refused", "cookieStore: TypeError"):
        expect(lane(page, "here", text)).to_be_visible()


def test_no_second_window(page: Page) -> None:
    page.add_init_script("window.open = () => null")
    page.goto("/lab/clickjacking")
    run(page)
    assert verdicts(page) == {"here": "inconclusive", "weakened": "inconclusive"}
    expect(clock(page).locator(".verdicts [data-side=here]")).to_contain_text("Allow pop-ups")
    assert verdicts(page, "From a program") == {"here": "held", "weakened": "got_through"}


def test_by_keyboard_alone(page: Page) -> None:
    page.goto("/lab")
    step_to(page, page.get_by_role("button", name="Run all"))
    page.goto("/lab/refresh-token-theft")
    step_to(page, page.locator("#run"))
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")  # a second press does no harm
    finished(page)
    said = page.locator(".start .progress")
    expect(said).to_have_text("Latchkey blocked it. Without the defense it succeeded.")
    expect(page.locator("#run")).to_be_focused()
    slider = page.get_by_role("slider", name="Step")
    step_to(page, slider)
    steps = page.locator(".run > li")
    count = steps.count()
    expect(slider).to_have_attribute("aria-valuetext", f"Step {count} of {count}")
    expect(page.locator(".stamp")).to_have_text(["Blocked", "Breached"])
    page.keyboard.press("Home")
    expect(page.locator(".run > [aria-current]")).to_contain_text("Step 1")
    expect(page.locator(".lane:visible:not(.who)")).to_have_count(2)
    expect(page.locator(".stamp:visible")).to_have_count(0)
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(page.locator(".run > [aria-current]")).to_contain_text("Here they part")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".run > [aria-current]")).to_contain_text("Step 3")
    step_to(page, page.locator(".now .messages summary"))
    page.keyboard.press("Enter")
    step_to(page, page.get_by_role("group", name="Request, Latchkey").first)
    expect(page.locator(".now .messages pre").first).to_contain_text("POST /auth/refresh")
    slider.press("End")
    expect(page.locator(".stamp:visible")).to_have_count(2)
    ends = page.locator(".verdicts")
    expect(ends.locator("[data-side=here] .lineage .end").first).to_contain_text("Revoked")
    expect(ends.locator("[data-side=weakened] .lineage .end")).to_have_count(0)


def test_steps_are_drawn_while_the_attack_runs(page: Page) -> None:
    page.goto("/lab/refresh-token-theft")
    page.locator("#run").click()
    page.locator(".run > li").nth(3).wait_for()
    expect(page.locator("#run")).to_have_text("Running…")
    finished(page)


def test_with_a_pointer(page: Page) -> None:
    page.goto("/lab/unvalidated-audience")
    run(page)
    back, onward = (page.get_by_role("button", name=name) for name in ("Back", "Next"))
    expect(onward).to_have_attribute("aria-disabled", "true")
    back.click()
    expect(page.locator(".stamp:visible")).to_have_count(0)
    onward.click()
    expect(page.locator(".stamp:visible")).to_have_count(2)


def test_the_line_that_stops_it(page: Page) -> None:
    """The line that was chosen is really taken out: without another one the attack is blocked."""
    slug = "unvalidated-audience"
    real = variants_of(slug)[0].name
    page.goto(f"/lab/{slug}")
    take_out = page.get_by_role("button", name="Take it out and attack")
    said = page.locator(".guess .verdict")
    take_out.click()
    expect(said).to_have_text("Choose a line first.")
    for choice in sorted(choices_of(slug), key=lambda one: one.variant == real):
        page.locator(f"input[value={choice.variant}]").check()
        take_out.click()
        expect(page.locator(".who-2 .hint")).to_have_text(f"Without {choice.line}")
        if choice.variant == real:
            expect(said).to_contain_text("Without this line the attack succeeded.", timeout=RUN_MS)
        else:
            expect(said).to_contain_text("the attack was still blocked, by app/", timeout=RUN_MS)
            expect(page.locator(".stamp")).to_have_text(["Blocked", "Blocked"])


def test_an_address_for_a_colleague(page: Page) -> None:
    page.goto("/lab/refresh-token-theft")
    run(page)
    steps = page.locator(".run > li").all_text_contents()
    page.locator(".address a").click()
    page.wait_for_url("**/lab/runs/*")
    expect(page.locator(".run > li")).to_have_text(steps)
    expect(page.locator(".stamp")).to_have_text(["Blocked", "Breached"])
    sound(page, "finished run")


def test_for_everybody(page: Page) -> None:
    page.goto("/lab")
    sound(page, "lab")
    page.set_viewport_size({"width": NARROW["width"], "height": NARROW["height"]})
    page.goto("/lab/refresh-token-theft")
    run(page)
    for folded in (".families", ".undone details", ".now .messages"):
        page.locator(f"{folded} > summary").first.click()
    sound(page, "card after its run")


def test_all_at_once(page: Page) -> None:
    """Each attack gets its two marks; what did not come out as it should is not counted."""
    verdicts = {"here": "held", "weakened": "got_through"}
    scores: list[dict[str, object]] = [
        {"slug": entry.slug, "side": side, "verdict": verdict, "why": ""}
        for entry in ENTRIES
        for side, verdict in verdicts.items()
    ]
    scores[0] |= {"verdict": "inconclusive", "why": "no answer"}
    body = streamed({"attacks": len(ENTRIES)}, *scores, {"done": True})
    page.route("**/lab/run-all", lambda route: route.fulfill(body=body))
    page.goto("/lab")
    page.get_by_role("button", name="Run all").click()
    count = len(ENTRIES)
    score = f"{count - 1} of {count} blocked; {count} of {count} succeeded without their defense."
    expect(page.get_by_role("status")).to_contain_text(score)
    expect(page.locator("[data-slug] .cell.safe")).to_have_count(count - 1)
    expect(page.locator("[data-slug] .cell.thief")).to_have_count(count)
    cells = page.locator(f"[data-slug={ENTRIES[0].slug}] .cell")
    expect(cells).to_have_text(["could not be run", "succeeded without the defense"])
    expect(cells.first).to_have_attribute("title", "no answer")
    sound(page, "list with marks")


@pytest.mark.parametrize(
    ("path", "button"), [("/lab", "Run all"), ("/lab/replay", "Run the attack")]
)
def test_a_lost_connection(context: BrowserContext, path: str, button: str) -> None:
    """It says so whether the server was not reached, or the stream ended before its end."""
    page = context.new_page()
    page.goto(path)
    pattern = "**/lab/run-all" if path == "/lab" else "**/lab/*/run"
    said = page.get_by_role("status").filter(has_text="could not be reached")
    page.route(pattern, lambda route: route.abort("connectionfailed"))
    page.get_by_role("button", name=button).click()
    expect(said).to_be_visible()
    page.unroute(pattern)
    page.route(pattern, lambda route: route.fulfill(body=streamed({"attacks": 1})))
    page.locator(".button.main").click()
    expect(page.get_by_role("status").filter(has_text="connection was lost")).to_be_visible()


def test_without_script(browser: Browser, site: Clone) -> None:
    """The card can be read, and says once that running it needs script."""
    with browser.new_context(base_url=site.url, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/lab/refresh-token-theft")
        assert page.content().count("needs the lab's script") == 1
        expect(page.get_by_role("button")).to_have_count(0)
        expect(page.get_by_role("definition").first).to_be_visible()
