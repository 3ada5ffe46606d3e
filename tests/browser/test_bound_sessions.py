"""Sessions bound to a browser's key: kind to a bad network, of no use to a thief."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Error,
    Page,
    Playwright,
    Response,
    Route,
    expect,
)

from app.attacks.prover import Prover
from tests.browser.conftest import DEADLINE_MS, FLAGS, chromium
from tests.support.browsing import (
    ADA,
    NEW_PASSWORD,
    Person,
    at_account,
    at_login,
    cookie_only,
    families,
    fill_in,
    live,
    log_in,
    log_out,
    open_account,
    refresh_cookie,
    submit,
)
from tests.support.client import Client, bearer, dpop, problem, program
from tests.support.servers.gunicorn import GunicornServer

# What script can learn of this browser's key: its thumbprint, and what an export gives.
KEY: Final = """
async () => {
  const done = request => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const database = await done(indexedDB.open('latchkey'));
  const store = database.transaction('keys').objectStore('keys');
  const all = await done(store.getAll());
  database.close();
  const [{ publicKey, privateKey }] = all;
  const { crv, kty, x, y } = await crypto.subtle.exportKey('jwk', publicKey);
  const members = new TextEncoder().encode(JSON.stringify({ crv, kty, x, y }));
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', members));
  const tries = ['jwk', 'pkcs8', 'raw', 'spki'].map(format =>
    crypto.subtle.exportKey(format, privateKey).then(() => 'exported', error => error.name));
  return {
    count: all.length,
    jkt: hash.toBase64({ alphabet: 'base64url', omitPadding: true }),
    extractable: privateKey.extractable,
    exports: [...new Set(await Promise.all(tries))],
  };
}
"""
NO_STORAGE: Final = {
    "denied": """
      IDBFactory.prototype.open = () => { throw new DOMException('denied', 'SecurityError'); };
    """,
    "missing": "delete window.indexedDB; delete Window.prototype.indexedDB;",
    "no crypto": "Object.defineProperty(crypto, 'subtle', { value: undefined });",
    "full": """
      IDBObjectStore.prototype.put = IDBObjectStore.prototype.add = () => {
        throw new DOMException('full', 'DataCloneError');
      };
    """,
}
# What passes through the platform's crypto and storage after the module has loaded.
WATCH_CRYPTO: Final = """
() => {
  window.seen = [];
  for (const name of Object.getOwnPropertyNames(SubtleCrypto.prototype)) {
    const own = Object.getOwnPropertyDescriptor(SubtleCrypto.prototype, name);
    if (typeof own.value !== 'function' || name === 'constructor') continue;
    const real = own.value;
    SubtleCrypto.prototype[name] = function (...given) {
      const keys = given.filter(one => one instanceof CryptoKey);
      window.seen.push(...keys.map(one => `${name} ${one.type}`));
      return Reflect.apply(real, this, given);
    };
  }
}
"""
# The answer to /stale brings a nonce that the server does not accept.
STALE: Final = """
import('/static/js/transport.js')
  .then(({ request }) => request('/stale', {}, null))
  .then(({ headers }) => headers.get('dpop-nonce'))
"""


class Traffic:
    """What a tab asks of the server and is answered, in order."""

    def __init__(self, page: Page) -> None:
        self.answers: list[Response] = []
        page.on("response", lambda answer: self.answers.append(answer))  # noqa: PLW0108 - Playwright marks it

    def of(self, path: str) -> list[int]:
        """Return the statuses of one path's answers."""
        return [one.status for one in self.answers if urlsplit(one.url).path == path]

    def schemes(self) -> set[str]:
        """Return the schemes under which access tokens were sent, and whether with a proof."""
        said = [one.request.headers for one in self.answers]
        return {
            headers["authorization"].split()[0] + (" + proof" if "dpop" in headers else "")
            for headers in said
            if "authorization" in headers
        }

    def tokens(self) -> list[dict[str, Any]]:
        """Return the token answers."""
        paths = ("/auth/login", "/auth/refresh")
        return [one.json() for one in self.answers if one.url.endswith(paths) and one.ok]


@pytest.fixture
def thief(site: GunicornServer) -> Client:
    """Somebody elsewhere, with what was stolen and a key of their own."""
    thief = program(site, key=Prover())
    thief.refresh("")  # the answer brings a nonce
    return thief


@pytest.fixture
def laptop(browser: Browser, site: GunicornServer) -> Iterator[BrowserContext]:
    """A second profile, as another browser."""
    context = browser.new_context(base_url=site.url)
    context.set_default_timeout(DEADLINE_MS)
    yield context
    context.close()


def stored(context: BrowserContext) -> str:
    """Return the refresh token that the browser holds."""
    cookie = refresh_cookie(context)
    assert cookie
    return str(cookie.get("value"))


def lose(route: Route) -> None:
    """Let the server answer, and lose the answer with its cookie."""
    url = urlsplit(route.request.url)
    connection = HTTPConnection("localhost", url.port or 80, timeout=10)
    connection.request("POST", url.path, b"", route.request.all_headers())
    assert connection.getresponse().status == 200
    connection.close()
    route.abort("connectionreset")


def reload_soon(page: Page) -> None:
    """Press F5, whether or not the page of the one before is there yet."""
    with suppress(Error):
        page.evaluate("void setTimeout(() => location.reload())")


def press_refresh(page: Page) -> None:
    """Have the account page refresh, and wait until it says so."""
    page.bring_to_front()
    page.get_by_role("button", name="Refresh now").click()
    expect(page.locator(".said")).to_contain_text("Done.")


def test_login_by_form_binds(page: Page, site: GunicornServer, ada: Person) -> None:
    """From the log-in on everything is bound to the one key that the browser keeps."""
    traffic = Traffic(page)
    log_in(page, ada)
    press_refresh(page)
    key = page.evaluate(KEY)
    assert [family["jkt"] for family in live(site)] == [key["jkt"]]
    assert [answer["token_type"] for answer in traffic.tokens()] == ["DPoP", "DPoP"]
    assert traffic.schemes() == {"DPoP + proof"}
    assert traffic.of("/auth/login") == traffic.of("/auth/refresh") == [200]


def test_registering_binds(page: Page, site: GunicornServer) -> None:
    """So does opening an account."""
    page.goto("/register")
    fill_in(page, ADA)
    submit(page)
    at_account(page)
    assert live(site)[0]["jkt"] == page.evaluate(KEY)["jkt"]


def test_login_without_script_is_bound_by_the_first_page_with_it(
    page: Page, site: GunicornServer, ada: Person
) -> None:
    """A plain form binds nothing; the first refresh does, and the session stays the same."""
    page.route("**/static/js/*", lambda route: route.abort())
    page.goto("/login")
    fill_in(page, ada)
    submit(page)
    page.wait_for_url("**/account")
    before = live(site)
    assert [family["jkt"] for family in before] == [None]
    page.unroute("**/static/js/*")
    page.reload()
    at_account(page)
    after = live(site)
    assert [family["jkt"] for family in after] == [page.evaluate(KEY)["jkt"]]
    assert after[0]["family_id"] == before[0]["family_id"]


def test_key_outlives_reload_and_restart_and_cannot_be_exported(
    playwright: Playwright, site: GunicornServer, ada: Person, tmp_path: Path
) -> None:
    """One key for as long as the browser keeps it, and no way to copy it."""
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
    context.add_init_script("LockManager.prototype.request = () => Promise.reject(Error())")
    tabs = [context.new_page() for _ in range(4)]
    for tab in tabs:
        tab.goto("/threats")
    for tab in tabs:
        tab.evaluate("url => void setTimeout(() => location.assign(url))", f"{site.url}/account")
    for tab in tabs:
        at_account(tab)
    keys = {tab.evaluate(KEY)["jkt"] for tab in tabs}
    assert keys == {family["jkt"] for family in live(site)}
    assert len(families(site)) == 1


@pytest.mark.parametrize("key", [False, True], ids=["no proof", "foreign key"])
def test_stolen_cookie_is_refused_and_the_owner_is_told(
    page: Page, site: GunicornServer, ada: Person, thief: Client, *, key: bool
) -> None:
    """The current cookie is worthless on its first use; the owner reads what happened."""
    log_in(page, ada)
    someone = thief if key else program(site)
    problem(someone.refresh(stored(page.context)), 401, "session_ended")
    assert live(site) == []
    page.locator(".sections").get_by_role("link", name="Sessions").click()
    at_login(page, "session_ended")
    expect(page.locator(".notice")).to_contain_text("that session has ended")
    fill_in(page, ada)
    submit(page)
    at_account(page, "Your sessions")
    told = page.get_by_role("region", name="A session that was ended")
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
    """Under neither scheme, with no proof and with another key's; the owner notices nothing."""
    traffic = Traffic(page)
    log_in(page, ada)
    token = traffic.tokens()[-1]["access_token"]
    for headers in (bearer(token), dpop(token)):
        assert thief.ask("GET", "/api/me", headers=headers).status_code == 401
        proven = headers | {"DPoP": thief.proof("/api/me", "GET", token)}
        assert thief.ask("GET", "/api/me", headers=proven).status_code == 401
    page.get_by_role("button", name="Ask the API").click()
    expect(page.locator(".answer")).to_contain_text("200")
    assert len(live(site)) == 1


@pytest.mark.parametrize("reloaded", [False, True])
def test_lost_refresh_answer_costs_nothing(
    page: Page, context: BrowserContext, site: GunicornServer, ada: Person, *, reloaded: bool
) -> None:
    """The cookie that came back never arrived: the spent one gets the same successor again."""
    log_in(page, ada)
    before = stored(context)
    page.route("**/auth/refresh", lose, times=1)
    if reloaded:
        page.reload()
        at_account(page)
    else:
        press_refresh(page)
    assert stored(context) != before
    [family] = families(site)
    assert (family["generation"], family["retries"], family["revoked_at"]) == (1, 1, None)


def test_refresh_does_not_outlive_its_page(page: Page, ada: Person) -> None:
    """So that no cookie comes after those of the next page, or for a key that is gone."""
    page.add_init_script(
        "const { fetch } = window; window.kept = {};"
        "window.fetch = (url, init) => {"
        " window.kept[url] = !!init.keepalive; return fetch(url, init); }"
    )
    log_in(page, ada)
    press_refresh(page)
    kept = page.evaluate("kept")
    assert (kept["/auth/login"], kept["/auth/refresh"]) == (False, False)


def test_storm_of_reloads_logs_nobody_out(page: Page, site: GunicornServer, ada: Person) -> None:
    """Ten quick reloads, each in the midst of the one before."""
    log_in(page, ada)
    for count in range(10):
        reload_soon(page)
        page.wait_for_timeout(20 * count)  # the moment of the next reload is what is varied
    at_account(page)
    press_refresh(page)
    assert len(live(site)) == 1
    assert len(families(site)) == 1


def test_storm_in_five_tabs_logs_nobody_out(
    context: BrowserContext, site: GunicornServer, ada: Person
) -> None:
    """The same in five tabs at once."""
    log_in(context.new_page(), ada)
    tabs = [open_account(context) for _ in range(5)]
    for count in range(5):
        for tab in tabs:
            reload_soon(tab)
        tabs[0].wait_for_timeout(40 * count)  # the moment of the next reload is what is varied
    for tab in tabs:
        at_account(tab)
    assert len(live(site)) == 1
    assert len(families(site)) == 1


def test_tab_that_crashed_with_the_lock_holds_up_nobody(
    context: BrowserContext, site: GunicornServer, ada: Person
) -> None:
    """Its lock is free at once, and what it spent is no theft."""
    log_in(context.new_page(), ada)
    doomed, other = (open_account(context) for _ in range(2))
    doomed.route("**/auth/refresh", lambda _: None)  # never answered
    doomed.bring_to_front()
    doomed.get_by_role("button", name="Refresh now").click()
    expect(doomed.locator(".said")).to_have_text("Refreshing…")
    devtools = context.new_cdp_session(doomed)
    crash = devtools._impl_obj.send("Page.crash", {}, None)  # noqa: SLF001 - it never answers
    devtools._loop.create_task(crash)  # noqa: SLF001
    doomed.wait_for_event("crash")
    press_refresh(other)
    assert len(live(site)) == 1


def test_logout_in_another_tab_leaves_no_key_in_use(
    page: Page, context: BrowserContext, site: GunicornServer, ada: Person
) -> None:
    """A log-in page that was open meanwhile uses the key that is stored now, not the former."""
    other = context.new_page()
    other.goto("/login")
    fill_in(other, Person(ada.email, "not at all the password"))
    submit(other)
    expect(other.get_by_role("alert")).to_be_visible()
    log_in(page, ada)
    former = live(site)[0]["jkt"]
    log_out(page)
    fill_in(other, ada)
    submit(other)
    at_account(other)
    other.reload()
    at_account(other)
    key = other.evaluate(KEY)["jkt"]
    assert [family["jkt"] for family in live(site)] == [key]
    assert key != former


def test_password_changed_while_a_refresh_is_in_flight(
    page: Page, context: BrowserContext, site: GunicornServer, ada: Person
) -> None:
    """The old session's answer comes last and revives nothing; both tabs go on in the new one."""
    log_in(page, ada)
    other = open_account(context, "/account/password")
    held: list[Route] = []
    page.route("**/auth/refresh", lambda route: held.append(route), times=1)  # noqa: PLW0108
    page.bring_to_front()
    page.get_by_role("button", name="Refresh now").click()
    expect(page.locator(".said")).to_have_text("Refreshing…")
    other.bring_to_front()
    other.get_by_label("Current password", exact=True).fill(ada.password)
    other.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    page.wait_for_timeout(100)
    submit(other)
    page.wait_for_timeout(500)  # it waits for its turn, or goes ahead
    held[0].continue_()
    expect(other.get_by_role("heading", name="Your password is changed")).to_be_visible()
    at_account(page)
    page.reload()
    at_account(page)
    assert len(families(site)) == 2
    assert [family["jkt"] for family in live(site)] == [page.evaluate(KEY)["jkt"]]


@pytest.mark.parametrize("how", NO_STORAGE)
def test_browser_that_keeps_no_key_logs_in_unbound(
    page: Page, context: BrowserContext, site: GunicornServer, ada: Person, how: str
) -> None:
    """Where no key can be kept, everything works as it does for a program: Bearer, strictly."""
    context.add_init_script(NO_STORAGE[how])
    traffic = Traffic(page)
    log_in(page, ada)
    press_refresh(page)
    page.reload()
    at_account(page)
    assert [family["jkt"] for family in live(site)] == [None]
    assert traffic.schemes() == {"Bearer"}


@pytest.mark.parametrize(
    ("where", "what"),
    [
        ("IDBFactory.prototype.open", "UnknownError"),
        ("IDBDatabase.prototype.transaction", "InvalidStateError"),
    ],
)
def test_key_out_of_reach_for_a_moment_ends_no_session(
    page: Page, site: GunicornServer, ada: Person, where: str, what: str
) -> None:
    """A store that fails just now is like a lost connection: nothing is sent without a proof."""
    log_in(page, ada)
    page.add_init_script(
        f"""
        const real = {where};
        window.calls = 0;
        {where} = function (...given) {{
          if (window.calls++ > 3) return Reflect.apply(real, this, given);
          throw new DOMException('not now', '{what}');
        }};
        """
    )
    traffic = Traffic(page)
    page.reload()
    at_account(page)
    assert page.evaluate("calls") > 4
    assert traffic.of("/auth/refresh") == [200]
    assert len(live(site)) == 1


def test_key_lost_while_the_cookie_stays_is_explained(
    page: Page, site: GunicornServer, ada: Person
) -> None:
    """A browser that lost its key logs in again, and reads that this may be why."""
    log_in(page, ada)
    page.evaluate(
        "new Promise((resolve, reject) => { const gone = indexedDB.deleteDatabase('latchkey');"
        " gone.onsuccess = () => resolve(); gone.onerror = gone.onblocked = () => reject(); })"
    )
    page.reload()
    at_login(page, "session_ended")
    log_in(page, ada)
    page.goto("/account/sessions")
    at_account(page, "Your sessions")
    told = page.get_by_role("region", name="A session that was ended")
    expect(told).to_contain_text("this browser lost the key")
    assert live(site)[0]["jkt"] == page.evaluate(KEY)["jkt"]


@pytest.mark.parametrize("hours", [-1, 1])
def test_wrong_clock_does_no_harm(
    page: Page, context: BrowserContext, site: GunicornServer, ada: Person, hours: int
) -> None:
    """A clock an hour off costs no session and no request more."""
    shift = f"const {{ now }} = Date; Date.now = () => now() + {hours * 3_600_000};"
    context.add_init_script(shift)
    log_in(page, ada)
    traffic = Traffic(page)
    page.reload()
    at_account(page)
    page.get_by_role("button", name="Ask the API").click()
    expect(page.locator(".answer")).to_contain_text("200")
    assert traffic.of("/auth/refresh") == traffic.of("/api/me") == [200]
    assert len(live(site)) == 1


def test_two_browsers_of_one_person(
    page: Page, laptop: BrowserContext, site: GunicornServer, ada: Person
) -> None:
    """Each has its own key and session; ending the one leaves the other alone."""
    log_in(page, ada)
    other = laptop.new_page()
    log_in(other, ada)
    both = {page.evaluate(KEY)["jkt"], other.evaluate(KEY)["jkt"]}
    assert {family["jkt"] for family in live(site)} == both
    assert len(both) == 2
    log_out(page)
    press_refresh(other)
    other.reload()
    at_account(other)
    assert len(live(site)) == 1


def test_stale_nonce_costs_one_repeat(page: Page, site: GunicornServer, ada: Person) -> None:
    """At log-in, refresh and use alike; a wrong password is not tried twice for it."""
    nonce = {"DPoP-Nonce": "a-nonce-of-long-ago"}
    page.route("**/stale", lambda route: route.fulfill(headers=nonce))
    traffic = Traffic(page)
    page.goto("/login")
    assert page.evaluate(STALE) == "a-nonce-of-long-ago"
    fill_in(page, Person(ada.email, "not at all the password"))
    submit(page)
    expect(page.get_by_role("alert")).to_be_visible()
    assert traffic.of("/auth/login") == [400, 401]
    page.evaluate(STALE)
    fill_in(page, ada)
    submit(page)
    at_account(page)
    assert traffic.of("/auth/login") == [400, 401, 400, 200]
    page.evaluate(STALE)
    press_refresh(page)
    assert traffic.of("/auth/refresh") == [400, 200]
    page.evaluate(STALE)
    page.get_by_role("button", name="Ask the API").click()
    expect(page.locator(".answer")).to_contain_text("200")
    assert traffic.of("/api/me") == [401, 200]
    assert traffic.of("/auth/refresh") == [400, 200]
    assert len(families(site)) == 1


def test_page_brings_a_nonce(page: Page, ada: Person) -> None:
    """So the common path needs no repeat, on the first visit and on every later one."""
    traffic = Traffic(page)
    log_in(page, ada)
    page.reload()
    at_account(page)
    nonce = page.locator("meta[name=dpop-nonce]").get_attribute("content") or ""
    assert re.fullmatch(r"[\w-]{32}", nonce)
    assert traffic.of("/auth/login") == traffic.of("/auth/refresh") == [200]


def test_later_patching_reveals_no_private_key(page: Page, ada: Person) -> None:
    """Who replaces the platform's crypto after the module has loaded sees no private key."""
    log_in(page, ada)
    page.evaluate(WATCH_CRYPTO)
    press_refresh(page)
    page.get_by_role("button", name="Ask the API").click()
    expect(page.locator(".answer")).to_contain_text("200")
    assert "private" not in " ".join(page.evaluate("seen"))
    assert page.evaluate(KEY)["exports"]
    assert any("private" in one for one in page.evaluate("seen"))  # the watch watches
