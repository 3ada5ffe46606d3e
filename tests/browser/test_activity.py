"""The activity page: what happened, page after page, by keyboard and on a phone."""

import secrets
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from playwright.sync_api import Browser, Page, Route, expect

from app.accounts.activity import Event
from tests.support.browsing import ADA, Device, Person, at_account, families, log_in, section
from tests.support.servers.gunicorn import GunicornServer

PAGE: Final = 20
TOKYO: Final = timezone(timedelta(hours=9))
FAILED: Final = "Older activity could not be loaded. Try again."


def fill(site: GunicornServer, count: int) -> None:
    """Store as many rows of Ada's, one an hour, of every kind."""
    user_id, now, kinds = families(site)[0]["user_id"], int(time.time()), list(Event)
    rows = [
        (
            secrets.token_urlsafe(16),
            user_id,
            now - 3600 * (1 + number),
            kinds[number % len(kinds)],
            *("", "", f"198.51.100.{number}", "curl/8.0", "", number % 4),
        )
        for number in range(count)
    ]
    with closing(sqlite3.connect(site.database, timeout=10)) as database, database:
        database.executemany(f"INSERT INTO activity VALUES ({', '.join('?' * 10)})", rows)  # noqa: S608 - ours


def items(page: Page) -> list[str]:
    """Return the addresses of the listed items: each has its own."""
    return page.locator(".diary .address").all_inner_texts()


def test_what_happened_is_listed(
    page: Page, ada: Person, device: Callable[[Person], Device]
) -> None:
    """This log-in, marked, and the one on another device before it."""
    device(ADA).log_in()
    time.sleep(1.1)  # the order of what happened in one second is left open
    log_in(page, ada)
    section(page, "Activity")
    at_account(page, "Your activity")
    expect(page.locator(".diary > li")).to_have_count(2)
    here, there = page.locator(".diary > li").all()
    expect(here).to_contain_text("Logged in This session")
    expect(there).to_contain_text("Logged in")
    expect(there).not_to_contain_text("This session")
    expect(page.locator(".more")).to_have_text("That is everything from the last 90 days.")


def test_older_pages_are_added_by_keyboard(page: Page, site: GunicornServer, ada: Person) -> None:
    """The focus goes to the first of them, so that reading goes on there; none is there twice."""
    log_in(page, ada)
    fill(site, 2 * PAGE + 5)
    section(page, "Activity")
    for shown in (PAGE, 2 * PAGE):
        expect(page.locator(".diary > li")).to_have_count(shown)
        page.get_by_role("button", name="Show older").focus()
        page.keyboard.press("Enter")
        expect(page.locator(".diary > li").nth(shown)).to_be_focused()
        expect(page.locator(".diary > li").nth(shown)).to_be_in_viewport()
    expect(page.get_by_role("button", name="Show older")).to_have_count(0)
    expect(page.locator(".diary > li")).to_have_count(2 * PAGE + 6)
    assert len(set(items(page))) == len(items(page))


def test_a_second_press_while_it_loads_adds_nothing_twice(
    page: Page, site: GunicornServer, ada: Person
) -> None:
    """The button says that it is busy and then is the next page's."""
    log_in(page, ada)
    fill(site, 2 * PAGE + 5)
    section(page, "Activity")
    expect(page.locator(".diary > li")).to_have_count(PAGE)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/fragments/activity?*", hold)
    button = page.locator("[value=older]")
    button.dblclick()
    expect(button).to_have_text("Loading…")
    button.click()
    assert len(held) == 1
    held[0].continue_()
    expect(page.locator(".diary > li")).to_have_count(2 * PAGE)
    expect(button).to_have_text("Show older")


def test_a_page_that_cannot_be_loaded_can_be_asked_for_again(
    page: Page, site: GunicornServer, ada: Person
) -> None:
    """What is there stays, and the page says what to do: without network, and with a refusal."""
    log_in(page, ada)
    fill(site, PAGE)
    section(page, "Activity")
    expect(page.locator(".diary > li")).to_have_count(PAGE)
    button = page.get_by_role("button", name="Show older")
    page.route("**/fragments/activity?*", lambda route: route.fulfill(status=503))
    button.click()
    expect(page.locator(".said")).to_have_text(FAILED)
    expect(page.locator(".diary > li")).to_have_count(PAGE)
    page.unroute("**/fragments/activity?*")
    page.route("**/fragments/activity?*", lambda route: route.abort("connectionfailed"))
    button.click()
    expect(page.locator(".said")).to_have_text("The server could not be reached.")
    page.unroute("**/fragments/activity?*")
    button.click()
    expect(page.locator(".diary > li")).to_have_count(PAGE + 1)
    expect(page.locator(".said")).to_be_hidden()


def test_times_are_to_the_minute_in_the_readers_zone(
    browser: Browser, site: GunicornServer, ada: Person
) -> None:
    """On the first page and on those that are added."""
    with browser.new_context(
        base_url=site.url, timezone_id="Asia/Tokyo", locale="en-US"
    ) as context:
        page = context.new_page()
        log_in(page, ada)
        fill(site, PAGE + 5)
        page.goto("/account/activity")
        page.get_by_role("button", name="Show older").click()
        expect(page.locator(".diary > li")).to_have_count(PAGE + 6)
        for one in page.locator(".diary time").all():
            exact = datetime.fromisoformat(one.get_attribute("datetime") or "")
            assert exact.tzinfo == UTC
            local = exact.astimezone(TOKYO)
            told = one.inner_text().replace("\u202f", " ")
            assert told == (
                f"{local:%b} {local.day}, {local.year}, {local.hour % 12 or 12}:{local:%M %p}"
            )
            assert "GMT+9" in (one.get_attribute("title") or "")
