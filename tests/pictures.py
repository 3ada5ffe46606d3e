"""`make pictures`: the pictures of README, of a server that runs as after `make run`.

They are docs/img/NAME-light.png and NAME-dark.png.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal

from playwright.sync_api import Page, sync_playwright

from config import ROOT
from tests.browser.conftest import FLAGS, headless_shell
from tests.support.clone import Clone
from tests.support.mailbox import register

FOLDER: Final = ROOT / "docs" / "img"
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
PERSON: Final = {"email": "ada@example.com", "password": "quarry lantern umbrella nine"}
SIZE: Final = {"width": 1200, "height": 750}


def main() -> None:
    """Take each picture in both schemes."""
    with TemporaryDirectory(prefix="latchkey-") as folder, sync_playwright() as playwright:
        clone = Clone(Path(folder))
        browser = playwright.chromium.launch(executable_path=headless_shell(), args=FLAGS)
        try:
            clone.run()
            register(clone.url, **PERSON)
            for scheme in SCHEMES:
                page = browser.new_page(
                    base_url=clone.url,
                    color_scheme=scheme,
                    reduced_motion="reduce",
                    viewport={"width": SIZE["width"], "height": SIZE["height"]},
                )
                take(page, scheme)
                page.context.close()
        finally:
            browser.close()
            clone.close()


def take(page: Page, scheme: str) -> None:
    """Walk the pages that README shows."""
    page.goto("/")
    page.evaluate("document.fonts.ready")
    page.screenshot(path=FOLDER / f"home-{scheme}.png")
    page.goto("/login")
    page.get_by_label("E-mail address").fill(PERSON["email"])
    page.get_by_label("Password", exact=True).fill(PERSON["password"])
    page.locator("main form button.main").click()
    page.locator("#content [data-view]").wait_for()
    page.locator("[data-split]").scroll_into_view_if_needed()
    page.locator("#refresh").click()
    page.locator(".said:not(:empty)").wait_for()
    page.locator("[data-tok=access]", has_text="A2").wait_for()
    page.locator("section:has(> .desk)").evaluate("section => section.scrollIntoView()")
    page.screenshot(path=FOLDER / f"account-{scheme}.png")


if __name__ == "__main__":
    main()
