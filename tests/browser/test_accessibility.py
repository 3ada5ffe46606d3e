"""Everybody can use it: assistive technology, keyboard alone, small and large screens."""

from collections.abc import Callable
from typing import Final, Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from tests.support.browsing import (
    ADA,
    NEW_PASSWORD,
    Device,
    Person,
    ask_the_api,
    at_account,
    at_login,
    log_in,
    open_mailed_link,
    reload,
    send,
    submit,
)
from tests.support.mail import registration_path
from tests.support.reauthentication import end_the_others, question, said
from tests.support.servers.gunicorn import GunicornServer

PUBLIC: Final = [
    "/",
    "/login",
    "/register",
    "/register/sent",
    "/logout",
    "/threats",
    "/threats/refresh-token-theft",
    "/mistakes",
    "/browsers",
    "/nowhere",
    "/account/deleted",
]
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
ALL: Final = {"resultTypes": ["violations"]}  # what passes is not described element by element
COLOURS: Final = {**ALL, "runOnly": ["color-contrast"]}  # all that depends on the scheme
NARROW: Final = {"width": 320, "height": 700}
PHONES: Final = (320, 360, 390)
MIDDLE: Final = {"width": 1280, "height": 800}
WIDE: Final = {"width": 1600, "height": 900}
MAX_STEPS: Final = 40

# What sticks out to the right of the window; what is cut to a point for the ears only does not.
STICKING_OUT: Final = """
() => [...document.querySelectorAll('body *')].filter(element => {
  const { right, width } = element.getBoundingClientRect();
  return width > 1 && right > innerWidth + 1;
}).map(element => element.outerHTML.slice(0, 80))
"""
# Tabs as features add them, after the account's own.
MORE_TABS: Final = """
(labels) => labels.forEach(label => {
  const link = document.querySelector('.sections a:last-child').cloneNode();
  link.removeAttribute('aria-current');
  link.textContent = label;
  document.querySelector('.sections').append(link);
})
"""
# The ring around what has the focus: its width and style as drawn.
RING: Final = """
() => {
  const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
  return outlineStyle === 'none' ? 0 : parseFloat(outlineWidth);
}
"""


def sound(page: Page, state: str) -> None:
    page.emulate_media(reduced_motion="reduce")
    for size in (NARROW, MIDDLE):
        page.set_viewport_size({"width": size["width"], "height": size["height"]})
        fits(page, state)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            result = Axe().run(page, options=ALL if scheme == "light" else COLOURS)
            assert result.violations_count == 0, f"{state}: {result.generate_report()}"
    page.set_viewport_size({"width": WIDE["width"], "height": WIDE["height"]})
    fits(page, state)


def fits(page: Page, state: str) -> None:
    """Check that nothing has to be scrolled sideways."""
    wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wider <= 0, f"{state}: {wider} px too wide"
    assert page.evaluate(STICKING_OUT) == [], state


def step_to(page: Page, target: Locator) -> None:
    """Press Tab until the target has the focus; each stop on the way can be seen."""
    for _ in range(MAX_STEPS):
        page.keyboard.press("Tab")
        assert page.evaluate(RING) >= 2, page.evaluate("document.activeElement.outerHTML")
        if target.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"{target} cannot be reached with the Tab key")


def test_public_pages(page: Page) -> None:
    for path in PUBLIC:
        page.goto(path)
        sound(page, path)


def test_forms_with_errors_and_notices(page: Page, site: GunicornServer) -> None:
    for path in ("/login", "/register"):
        page.goto(path)
        submit(page)
        page.locator("#summary li").first.wait_for()
        sound(page, f"{path} with errors")
    open_mailed_link(page, registration_path(site, ADA.email))
    sound(page, "the page of a link")
    submit(page)
    page.locator("#summary li").first.wait_for()
    sound(page, "the page of a link with errors")
    page.goto("/register/finish?token=rubbish")
    page.get_by_role("heading", name="This link does not work any more").wait_for()
    sound(page, "a dead link")
    for notice in ("session_ended", "logged_out"):
        page.goto(f"/login?notice={notice}")
        sound(page, notice)


def test_account_pages(page: Page, ada: Person, device: Callable[[Person], Device]) -> None:
    device(ADA).log_in()
    log_in(page, ada)
    ask_the_api(page)
    page.locator(".log-body summary", has_text="/auth/login").click()
    page.get_by_text("What the server received").click()
    sound(page, "account")
    page.goto("/account/sessions")
    at_account(page, "Your sessions")
    for summary in page.locator(".ask > summary").all():
        summary.click()
    sound(page, "sessions")
    page.goto("/account/activity")
    at_account(page, "Your activity")
    sound(page, "activity")
    page.goto("/account/data")
    at_account(page, "Your data")
    page.get_by_text("Delete my account").click()
    sound(page, "data")
    page.goto("/account/password?notice=password_breached")
    at_account(page, "Change your password")
    page.get_by_role("button", name="Suggest a passphrase").click()
    expect(page.locator(".strength")).to_contain_text("Strong")
    sound(page, "password with notice and suggestion")
    submit(page)
    page.locator("#summary li").first.wait_for()
    sound(page, "password with errors")


def test_account_in_trouble(page: Page, ada: Person) -> None:
    log_in(page, ada)
    page.route("**/fragments/account", lambda route: route.abort("connectionfailed"))
    page.reload()
    page.get_by_role("alert").wait_for()
    sound(page, "no connection")


def test_main_job_by_keyboard_alone(page: Page, site: GunicornServer) -> None:
    page.goto("/")
    step_to(page, page.get_by_role("main").get_by_role("link", name="Register"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/register")
    step_to(page, page.get_by_label("E-mail address"))
    page.keyboard.type(ADA.email)
    page.keyboard.press("Enter")
    page.wait_for_url("**/register/sent")
    open_mailed_link(page, registration_path(site, ADA.email, ask=False))
    step_to(page, page.get_by_label("Password", exact=True))
    page.keyboard.type(ADA.password)
    page.keyboard.press("Enter")
    at_account(page)
    expect(page.locator("#content h1")).to_be_focused()
    reload(page)
    sections = page.get_by_role("navigation", name="Account")
    step_to(page, sections.get_by_role("link", name="Sessions"))
    page.keyboard.press("Enter")
    at_account(page, "Your sessions")
    question = page.locator(".ask > summary").first
    step_to(page, question)
    page.keyboard.press("Enter")
    step_to(page, page.get_by_role("button", name="Cancel").first)
    page.keyboard.press("Enter")
    expect(question).to_be_focused()
    reload(page, "Your sessions")
    step_to(page, sections.get_by_role("link", name="Password"))
    page.keyboard.press("Enter")
    at_account(page, "Change your password")
    step_to(page, page.get_by_label("Current password", exact=True))
    page.keyboard.type(ADA.password)
    step_to(page, page.get_by_label("New password", exact=True))
    page.keyboard.type(NEW_PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator(".done")).to_be_focused()
    reload(page, "Change your password")
    step_to(page, page.get_by_role("button", name="Log out", exact=True))
    page.keyboard.press("Enter")
    at_login(page, "logged_out")


def test_leaving_by_keyboard_alone(old: Page, ada: Person) -> None:
    """Take the data along, then delete the account; the password is asked for once."""
    sections = old.get_by_role("navigation", name="Account")
    step_to(old, sections.get_by_role("link", name="Your data"))
    old.keyboard.press("Enter")
    at_account(old, "Your data")
    expect(old.locator("#content h1")).to_be_focused()
    step_to(old, old.get_by_role("button", name="Download my data"))
    old.keyboard.press("Enter")
    question(old)
    old.keyboard.type(ada.password)
    with old.expect_download():
        old.keyboard.press("Enter")
    said(old, "Downloaded: your-data-")
    step_to(old, old.locator(".ask > summary"))
    old.keyboard.press("Enter")
    step_to(old, old.get_by_role("button", name="Delete for good"))
    old.keyboard.press("Enter")
    old.wait_for_url("**/account/deleted")
    step_to(old, old.get_by_role("link", name="Back to home"))


def test_skip_link_leads_past_the_header(page: Page) -> None:
    page.goto("/threats")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    expect(page.get_by_role("link", name="Skip to content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_twice_the_text_size_fits(page: Page, ada: Person) -> None:
    page.set_viewport_size({"width": 640, "height": 800})
    log_in(page, ada)
    for path in ("/account", "/account/sessions", "/account/activity", "/account/data", *PUBLIC):
        page.goto(path)
        if path.startswith("/account") and path not in PUBLIC:
            page.locator("#content [data-view]").wait_for()
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        fits(page, path)


def test_more_tabs_fit_on_phones(page: Page, ada: Person) -> None:
    log_in(page, ada)
    page.goto("/account/password")
    at_account(page, "Change your password")
    tabs = page.get_by_role("navigation", name="Account").get_by_role("link")
    page.evaluate(MORE_TABS, ["Bookmarks", "Reading lists", "Notes"])
    for width in PHONES:
        page.set_viewport_size({"width": width, "height": 700})
        fits(page, f"tabs at {width} px")
        tabs.first.focus()
        for tab in tabs.all()[1:]:
            step_to(page, tab)
            expect(tab).to_be_in_viewport(ratio=1)


def test_faults_are_read_out_with_their_field(page: Page) -> None:
    """A field's fault is its description, so that it is heard where it can be mended."""
    page.goto("/login")
    send(page, Person("not an address", ""))
    expect(page.get_by_label("E-mail address")).to_have_accessible_description(
        "Error: Enter an e-mail address like name@example.com."
    )
    expect(page.get_by_label("Password", exact=True)).to_have_accessible_description(
        "Error: Enter your password."
    )


def test_the_dialog_for_the_password(old: Page) -> None:
    """As it opens, and with what is wrong."""
    end_the_others(old)
    dialog = question(old)
    sound(old, "dialog")
    dialog.get_by_role("button", name="Confirm").click()
    expect(dialog.get_by_role("alert")).to_have_text("Enter your password.")
    sound(old, "dialog with a fault")
