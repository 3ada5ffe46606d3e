"""Each log-in and each password change has a key of its own; a refusal costs the old nothing."""

from typing import Any, Final

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.support.browsing import (
    ADA,
    MISTYPED,
    NO_LOCK,
    Person,
    at_account,
    enter_passwords,
    families,
    fill_in,
    live,
    log_in,
    open_account,
    open_mailed_link,
    password_is_changed,
    press_refresh,
    reload,
    script,
    section,
    send,
    submit,
)
from tests.support.mail import registration_path
from tests.support.servers.gunicorn import GunicornServer

SCRIPT: Final = script("injected_keys")
STORED: Final = script("stored_keys")
LOST_BEFORE_PROMOTION: Final = script("lost_before_promotion")


@pytest.fixture(autouse=True)
def injected(context: BrowserContext) -> None:
    context.add_init_script(SCRIPT)


def keys(page: Page) -> list[str]:
    found: list[str] = page.evaluate(STORED)
    return found


def bound_to(site: GunicornServer) -> list[Any]:
    return [family["jkt"] for family in live(site)]


def enter(
    page: Page, site: GunicornServer, request: pytest.FixtureRequest, *, registering: bool
) -> str:
    """Fill in the form that begins a session; return the key that script has planted there."""
    if registering:
        open_mailed_link(page, registration_path(site, ADA.email))
        page.get_by_label("Password", exact=True).fill(ADA.password)
    else:
        ada = request.getfixturevalue("ada")
        page.goto("/login")
        fill_in(page, ada)
    planted: str = page.evaluate("plant()")
    return planted


@pytest.mark.parametrize("way", ["log-in", "registration", "password change"])
def test_former_key_proves_nothing_afterwards(
    page: Page, site: GunicornServer, request: pytest.FixtureRequest, way: str
) -> None:
    """Neither a key that script planted nor a copy of the one before: it is a thief's."""
    former = enter(page, site, request, registering=way == "registration")
    submit(page)
    at_account(page)
    if way == "password change":
        former = page.evaluate("copy()")
        assert bound_to(site) == [former]
        section(page, "Password")
        enter_passwords(page, ADA.password)
        password_is_changed(page)
    assert bound_to(site) == keys(page) != [former]
    section(page, "Overview")
    press_refresh(page)
    assert page.evaluate("refreshByLoot()") == [401, "session_ended"]
    ended = [one["revoked_reason"] for one in families(site) if one["revoked_reason"]]
    assert "foreign_key" in ended


@pytest.mark.parametrize("registering", [False, True])
def test_former_key_does_not_bind_a_log_in_without_script(
    page: Page, site: GunicornServer, request: pytest.FixtureRequest, *, registering: bool
) -> None:
    """The plain form binds nothing; the first refresh binds to a key from after it."""
    planted = enter(page, site, request, registering=registering)
    page.evaluate("document.querySelector('main form').submit()")
    at_account(page)
    assert bound_to(site) == keys(page) != [planted]


def test_wrong_password_costs_the_present_session_nothing(
    page: Page, context: BrowserContext, site: GunicornServer, ada: Person
) -> None:
    """Its key stays, alone, and its tabs go on; so they do after a log-in that never arrived."""
    log_in(page, ada)
    before = bound_to(site)
    other = context.new_page()
    other.goto("/login")
    send(other, MISTYPED)
    expect(other.get_by_role("alert")).to_contain_text("Incorrect e-mail or password.")
    other.route("**/auth/login", lambda route: route.abort("connectionfailed"))
    send(other, ada)
    expect(other.get_by_role("alert")).to_contain_text("could not be reached")
    press_refresh(page)
    reload(page)
    assert bound_to(site) == keys(page) == before


def test_log_in_whose_answer_is_lost_can_be_repeated(
    page: Page, site: GunicornServer, ada: Person
) -> None:
    """The server began a session that nobody got; the next log-in has a key of its own."""
    page.goto("/login")

    def lose(route: Route) -> None:
        route.fetch()
        route.abort("connectionreset")

    page.route("**/auth/login", lose, times=1)
    send(page, ada)
    expect(page.get_by_role("alert")).to_contain_text("could not be reached")
    send(page, ada)
    at_account(page)
    reload(page)
    (key,) = keys(page)
    assert key in bound_to(site)


def test_tab_that_went_before_it_kept_its_key(
    page: Page, context: BrowserContext, site: GunicornServer, ada: Person
) -> None:
    """The next page finds the pending key, and the session goes on bound to it."""
    page.goto("/login")
    page.evaluate(LOST_BEFORE_PROMOTION)
    send(page, ada)
    expect(page.get_by_role("alert")).to_be_visible()
    page.close()
    other = open_account(context)
    assert bound_to(site) == keys(other)
    assert len(families(site)) == 1


@pytest.mark.parametrize("lock", [True, False])
def test_other_tab_does_not_refresh_while_a_log_in_is_under_way(
    page: Page, context: BrowserContext, site: GunicornServer, ada: Person, *, lock: bool
) -> None:
    """It could not know which key the cookie wants; it waits, and goes on in the new session."""
    if not lock:
        context.add_init_script(NO_LOCK)
    log_in(page, ada)
    other = context.new_page()
    other.goto("/login")
    held: list[Route] = []
    context.route("**/auth/login", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks it
    fill_in(other, ada)
    with other.expect_request("**/auth/login"):
        submit(other)
    page.bring_to_front()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_role("button", name="Refresh now").click()
    page.wait_for_timeout(500)  # it waits for its turn, or for the log-in to be over
    assert [url for url in asked if "/static/" not in url] == []
    held[0].continue_()
    at_account(other)
    at_account(page)
    reload(page)
    assert bound_to(site) == keys(page)
    assert {one["revoked_reason"] for one in families(site)} == {None, "replaced"}


def test_two_tabs_that_log_in_at_once(
    context: BrowserContext, site: GunicornServer, ada: Person
) -> None:
    """One after the other: the later session is the one that lives, with its own key."""
    tabs = [context.new_page() for _ in range(2)]
    for tab in tabs:
        tab.goto("/login")
        fill_in(tab, ada)
    for tab in tabs:
        tab.evaluate("setTimeout(() => document.querySelector('main form').requestSubmit())")
    for tab in tabs:
        at_account(tab)
    tabs[0].reload()
    at_account(tabs[0])
    assert bound_to(site) == keys(tabs[0])
    assert {one["revoked_reason"] for one in families(site)} == {None, "replaced"}
