"""The pages about attacks and browsers in a real browser: filter, drawings, probes."""

from typing import Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from app.threats import ENTRIES
from tests.support.servers.gunicorn import GunicornServer

# Texts of the drawing on show that stick out of it, with where they begin and end.
STICKING_OUT: Final = """
() => [...document.querySelectorAll('.picture text')].flatMap(text => {
  const drawing = text.closest('svg');
  if (!drawing.checkVisibility()) return [];
  const { x, width } = text.getBBox();
  const inside = x >= 0 && x + width <= drawing.viewBox.baseVal.width;
  return inside ? [] : [[text.textContent, x, x + width]];
})
"""
# A browser that knows none of the protections.
OLD: Final = """
delete window.trustedTypes;
Object.defineProperty(navigator, 'locks', { value: undefined });
indexedDB.open = () => { throw new DOMException('', 'InvalidStateError'); };
const jar = new Map();
Object.defineProperty(Document.prototype, 'cookie', {
  get: () => [...jar].map(([name, value]) => `${name}=${value}`).join('; '),
  set: (text) => {
    const [name, value] = text.split(';')[0].split('=');
    if (text.includes('Max-Age=0')) jar.delete(name);
    else jar.set(name, value);
  },
});
"""
NO_COOKIES: Final = """
Object.defineProperty(Document.prototype, 'cookie', { get: () => '', set: () => {} });
"""
PROBED: Final = ["hostPrefix", "httpPrefix", "trustedTypes", "lastingKey", "webLocks"]


def test_index_filters_while_one_types(page: Page) -> None:
    page.goto("/threats")
    lines, count = page.locator(".entry:visible"), page.locator("[data-count]")
    expect(count).to_have_text(f"{len(ENTRIES)} of {len(ENTRIES)}")
    page.get_by_label("Find").press_sequentially("Csrf")
    expect(lines).to_have_count(2)
    expect(count).to_have_text(f"2 of {len(ENTRIES)}")
    expect(page.get_by_role("heading", name="Mistakes", level=2)).to_be_hidden()
    page.get_by_label("Further").check(force=True)
    expect(lines).to_have_count(1)
    assert page.url.endswith("/threats?q=Csrf&kind=further")
    page.reload()
    expect(lines).to_have_count(1)
    page.get_by_label("Find").press_sequentially(" nowhere")
    expect(lines).to_have_count(0)
    page.get_by_role("link", name="Show all").click()
    expect(lines).to_have_count(len(ENTRIES))
    assert page.url.endswith("/threats")


def test_enter_asks_nobody_with_script(page: Page) -> None:
    page.goto("/threats")
    expect(page.get_by_role("button", name="Show")).to_be_hidden()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_label("Find").fill("csrf")
    page.get_by_label("Find").press("Enter")
    expect(page.locator(".entry:visible")).to_have_count(2)
    assert asked == []


def test_index_asks_the_server_without_script(browser: Browser, site: GunicornServer) -> None:
    with browser.new_context(base_url=site.url, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/threats")
        page.get_by_label("Find").fill("csrf")
        page.get_by_role("button", name="Show").click()
        assert page.url.endswith("/threats?q=csrf&kind=")
        expect(page.locator(".entry:visible")).to_have_count(2)


@pytest.mark.parametrize("width", [320, 1280])
def test_every_drawing_has_room_for_its_words(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for entry in ENTRIES:
        page.goto(f"/threats/{entry.slug}")
        assert page.locator(".picture:visible").count() == 1
        assert page.evaluate(STICKING_OUT) == [], entry.slug
        assert page.evaluate("document.documentElement.scrollWidth") == width, entry.slug
    # The measure measures:
    page.evaluate(
        "document.querySelectorAll('.picture text').forEach(t => t.append('x'.repeat(99)))"
    )
    assert page.evaluate(STICKING_OUT)


def answers(page: Page) -> list[str]:
    page.goto("/browsers")
    expect(page.locator("[data-said]")).to_contain_text("Your browser was probed.")
    return [page.locator(f"[data-probe={name}]").inner_text().strip() for name in PROBED]


def test_probes_find_what_this_browser_has(page: Page, context: BrowserContext) -> None:
    assert answers(page) == ["Yes"] * 5
    assert page.get_by_text("Sec-Fetch-Site came with this page.").count() == 1
    assert context.cookies() == []
    assert page.evaluate("indexedDB.databases()") == []


def test_probes_find_what_a_browser_lacks(page: Page) -> None:
    page.add_init_script(OLD)
    assert answers(page) == ["No"] * 5
    expect(page.locator("[data-said]")).to_contain_text("0 of the 5")


def test_probe_says_that_it_cannot_tell(page: Page) -> None:
    page.add_init_script(NO_COOKIES)
    assert answers(page)[:2] == ["Cannot tell here"] * 2


def test_browsers_say_once_that_probing_needs_script(
    browser: Browser, site: GunicornServer
) -> None:
    with browser.new_context(base_url=site.url, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/browsers")
        expect(page.locator("noscript p")).to_be_visible()
        assert page.locator("[data-probe]").all_inner_texts() == ["\N{EN DASH}"] * 5
