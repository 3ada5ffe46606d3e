"""A bad network: what gets lost, comes late or is refused ends no session and revives none."""

import re
from typing import Final

import pytest
from playwright.sync_api import APIResponse, BrowserContext, Page, Route, expect

from tests.support.browsing import (
    Person,
    at_account,
    at_login,
    live,
    log_in,
    log_out,
    module,
    refresh_cookie,
    reload,
    section,
    send,
)
from tests.support.servers.gunicorn import GunicornServer

# Strangers' addresses in the forms that a careless check lets through.
ELSEWHERE: Final = [
    "'https://evil.test/'",
    "'//evil.test/api/me'",
    "'/\\\\evil.test/api/me'",
    "'http://localhost:1/api/me'",
    "'https:' + location.host + '.evil.test/'",
    "location.origin.replace('http:', 'https:') + '/api/me'",
    "location.origin.replace('localhost', 'localhost@evil.test') + '/api/me'",
    "'data:text/plain,x'",
    "new URL('https://evil.test/')",
    "new Request('/api/me')",
    "{ toString: () => '/api/me' }",
    "undefined",
]


def trouble(page: Page, heading: str) -> None:
    expect(page.get_by_role("alert").get_by_role("heading")).to_have_text(heading)
    expect(page.get_by_role("alert")).to_contain_text("You have not been logged out")


def problem(route: Route, status: int, retry_after: int | None = None) -> None:
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    route.fulfill(status=status, headers=headers, body="<h1>not now</h1>")


def test_lost_connection_says_so_and_recovers(
    page: Page, context: BrowserContext, site: GunicornServer, ada: Person
) -> None:
    log_in(page, ada)
    context.set_offline(offline=True)
    section(page, "Sessions")
    trouble(page, "No connection")
    context.set_offline(offline=False)
    at_account(page, "Your sessions")
    assert len(live(site)) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize("path", ["/auth/refresh", "/fragments/account"])
def test_refusal_of_the_moment_never_logs_out(
    page: Page, context: BrowserContext, ada: Person, path: str, status: int
) -> None:
    log_in(page, ada)
    before = refresh_cookie(context)
    page.route(f"**{path}", lambda route: problem(route, status, retry_after=20))
    page.clock.install()
    page.reload()
    trouble(page, "This page could not be loaded")
    after = refresh_cookie(context)
    assert before
    assert after
    if path == "/auth/refresh":
        assert before.get("value") == after.get("value")
    page.unroute(f"**{path}")
    page.clock.run_for(30_000)
    at_account(page)


def test_trying_again_by_hand(page: Page, ada: Person) -> None:
    log_in(page, ada)
    page.route("**/fragments/sessions", lambda route: problem(route, 502))
    section(page, "Sessions")
    trouble(page, "This page could not be loaded")
    page.unroute("**/fragments/sessions")
    page.get_by_role("button", name="Try again").click()
    at_account(page, "Your sessions")


def test_refresh_repeats_itself_before_it_troubles_anybody(page: Page, ada: Person) -> None:
    log_in(page, ada)
    failed: list[str] = []

    def once(route: Route) -> None:
        if failed:
            route.fallback()
            return
        failed.append(route.request.url)
        problem(route, 503)

    page.route("**/auth/refresh", once)
    reload(page)
    assert len(failed) == 1


def test_refresh_answered_after_logout_revives_nothing(
    page: Page, site: GunicornServer, ada: Person
) -> None:
    log_in(page, ada)
    under_way: list[tuple[Route, APIResponse]] = []
    page.route("**/auth/refresh", lambda route: under_way.append((route, route.fetch())))
    page.get_by_role("button", name="Refresh now").click()
    expect(page.locator(".said")).to_have_text("Refreshing…")
    log_out(page)
    assert under_way
    route, answer = under_way[0]
    route.fulfill(response=answer)
    page.unroute("**/auth/refresh")
    assert live(site) == []
    page.goto("/account")
    at_login(page, "session_ended")
    assert ada.email not in page.content()


def test_logout_that_does_not_arrive_is_not_claimed(
    page: Page, context: BrowserContext, site: GunicornServer, ada: Person
) -> None:
    log_in(page, ada)
    page.route("**/auth/logout", lambda route: route.abort("connectionfailed"))
    page.get_by_role("button", name="Log out", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Logging out…")
    assert ada.email not in page.content()
    assert len(live(site)) == 1
    page.unroute("**/auth/logout")
    log_out(page)
    assert live(site) == []
    assert refresh_cookie(context) is None


def test_login_that_does_not_arrive_can_be_repeated(page: Page, ada: Person) -> None:
    page.goto("/login")
    page.route("**/auth/login", lambda route: route.abort("connectionfailed"))
    send(page, ada)
    expect(page.get_by_role("alert")).to_contain_text("could not be reached")
    expect(page.get_by_label("E-mail address")).to_have_value(ada.email)
    page.unroute("**/auth/login")
    send(page, ada)
    at_account(page)


def test_token_goes_to_this_origin_only(page: Page, context: BrowserContext, ada: Person) -> None:
    log_in(page, ada)
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    for address in ELSEWHERE:
        name = page.evaluate(
            f"address => import({module('session')})"
            f".then(session => session.authorizedFetch({address}))"
            ".then(() => 'sent', error => error.name)",
        )
        assert name == "TypeError", address
    assert asked == []
    status = page.evaluate(
        f"import({module('session')}).then(session => session.authorizedFetch('/api/me'))"
        ".then(answer => answer.status)"
    )
    assert status == 200
    assert [bool(re.search("/api/me$", url)) for url in asked] == [True]
