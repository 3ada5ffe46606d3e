"""A session in a real browser is bound to a key that never leaves it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect

from app.attacks.prover import Prover
from tests.browser.conftest import DEADLINE_MS, FLAGS, chromium
from tests.support.browsing import (
    ADA,
    NO_LOCK,
    Person,
    ask_the_api,
    at_account,
    at_login,
    choose_password,
    cookie_only,
    families,
    live,
    load_at_once,
    log_in,
    log_out,
    open_mailed_link,
    press_refresh,
    reload,
    section,
    send,
)
from tests.support.client import Client, bearer, dpop, problem, program
from tests.support.key_store import KEY, WATCH_CRYPTO, Traffic, stored
from tests.support.mail import registration_path
from tests.support.servers.gunicorn import GunicornServer


@pytest.fixture
def thief(site: GunicornServer) -> Client:
    thief = program(site, key=Prover())
    thief.refresh("")  # the answer brings a nonce
    return thief


@pytest.fixture
def laptop(browser: Browser, site: GunicornServer) -> Iterator[BrowserContext]:
    with browser.new_context(base_url=site.url) as context:
        context.set_default_timeout(DEADLINE_MS)
        yield context


def test_login_by_form_binds(page: Page, site: GunicornServer, ada: Person) -> None:
    traffic = Traffic(page)
    log_in(page, ada)
    press_refresh(page)
    key = page.evaluate(KEY)
    assert [family["jkt"] for family in live(site)] == [key["jkt"]]
    assert [answer["token_type"] for answer in traffic.tokens()] == ["DPoP", "DPoP"]
    assert traffic.schemes() == {"DPoP + proof"}
    assert traffic.of("/auth/login") == traffic.of("/auth/refresh") == [200]


def test_registering_binds(page: Page, site: GunicornServer) -> None:
    open_mailed_link(page, registration_path(site, ADA.email))
    choose_password(page, ADA.password)
    at_account(page)
    assert live(site)[0]["jkt"] == page.evaluate(KEY)["jkt"]


def test_login_without_script_is_bound_by_the_first_page_with_it(
    page: Page, site: GunicornServer, ada: Person
) -> None:
    """A plain form binds nothing; the first refresh does, and the session stays the same."""
    page.route("**/static/*/js/*", lambda route: route.abort())
    page.goto("/login")
    send(page, ada)
    page.wait_for_url("**/account")
    before = live(site)
    assert [family["jkt"] for family in before] == [None]
    page.unroute("**/static/*/js/*")
    reload(page)
    after = live(site)
    assert [family["jkt"] for family in after] == [page.evaluate(KEY)["jkt"]]
    assert after[0]["family_id"] == before[0]["family_id"]


def test_key_outlives_reload_and_restart_and_cannot_be_exported(
    playwright: Playwright, site: GunicornServer, ada: Person, tmp_path: Path
) -> None:
    keys = []
    for start in range(2):
        with playwright.chromium.launch_persistent_context(
            tmp_path, executable_path=chromium(), args=FLAGS, base_url=site.url
        ) as context:
            context.set_default_timeout(DEADLINE_MS)
            page = context.new_page()
            if start == 0:
                log_in(page, ada, remember=True)
                page.reload()
            else:
                page.goto("/account")
            at_account(page)
            keys.append(page.evaluate(KEY))
    assert keys[0] == keys[1]
    assert keys[0]["jkt"] == live(site)[0]["jkt"]
    assert (keys[0]["count"], keys[0]["extractable"]) == (1, False)
    assert "exported" not in keys[0]["exports"]
    assert len(families(site)) == 1


def test_two_tabs_that_make_a_key_at_once_end_with_one(
    context: BrowserContext, site: GunicornServer, ada: Person
) -> None:
    """Whichever stores its key first wins, and both use that one."""
    cookie_only(context, ada)
    context.add_init_script(NO_LOCK)
    tabs = [context.new_page() for _ in range(4)]
    for tab in tabs:
        tab.goto("/threats")
    load_at_once(tabs, f"{site.url}/account")
    keys = {tab.evaluate(KEY)["jkt"] for tab in tabs}
    assert keys == {family["jkt"] for family in live(site)}
    assert len(families(site)) == 1


@pytest.mark.parametrize("key", [False, True], ids=["no proof", "foreign key"])
def test_stolen_cookie_is_refused_and_the_owner_is_told(
    page: Page, site: GunicornServer, ada: Person, thief: Client, *, key: bool
) -> None:
    log_in(page, ada)
    someone = thief if key else program(site)
    problem(someone.refresh(stored(page.context)), 401, "session_ended")
    assert live(site) == []
    section(page, "Sessions")
    at_login(page, "session_ended")
    expect(page.locator(".notice")).to_contain_text("that session has ended")
    send(page, ada)
    at_account(page, "Your sessions")
    told = page.get_by_role("list", name="Sessions that were ended").get_by_role("listitem")
    expect(told).to_have_count(1)
    expect(told.get_by_role("heading")).to_contain_text("was ended to protect you")
    expect(told).to_contain_text("just now")
    expect(told).to_contain_text("127.0.0.1")
    expect(told).to_contain_text("without its key")
    told.get_by_role("link").click()
    at_account(page, "Change your password")


def test_stolen_access_token_is_worthless_elsewhere(
    page: Page, site: GunicornServer, ada: Person, thief: Client
) -> None:
    traffic = Traffic(page)
    log_in(page, ada)
    token = traffic.tokens()[-1]["access_token"]
    for headers in (bearer(token), dpop(token)):
        assert thief.ask("GET", "/api/me", headers=headers).status_code == 401
        proven = headers | {"DPoP": thief.proof("/api/me", "GET", token)}
        assert thief.ask("GET", "/api/me", headers=proven).status_code == 401
    ask_the_api(page)
    assert len(live(site)) == 1


def test_two_browsers_of_one_person(
    page: Page, laptop: BrowserContext, site: GunicornServer, ada: Person
) -> None:
    log_in(page, ada)
    other = laptop.new_page()
    log_in(other, ada)
    both = {page.evaluate(KEY)["jkt"], other.evaluate(KEY)["jkt"]}
    assert {family["jkt"] for family in live(site)} == both
    assert len(both) == 2
    log_out(page)
    press_refresh(other)
    reload(other)
    assert len(live(site)) == 1


def test_later_patching_reveals_no_private_key(page: Page, ada: Person) -> None:
    log_in(page, ada)
    page.evaluate(WATCH_CRYPTO)
    press_refresh(page)
    ask_the_api(page)
    assert "private" not in " ".join(page.evaluate("seen"))
    assert page.evaluate(KEY)["exports"]
    assert any("private" in one for one in page.evaluate("seen"))  # the watch watches
