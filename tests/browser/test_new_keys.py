"""Each log-in and each password change has a key of its own; a refusal costs the old nothing."""

from typing import Any, Final

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.support.browsing import (
    ADA,
    NEW_PASSWORD,
    Person,
    at_account,
    families,
    fill_in,
    live,
    log_in,
    open_account,
    submit,
)
from tests.support.servers.gunicorn import GunicornServer

# What injected script has: `plant` puts a key of its own in place of this browser's, `copy` takes
# the one that is there, and `refresh` uses either. Returns a thumbprint, or status and code.
SCRIPT: Final = """
window.done = request => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});
window.store = async () => {
  const opening = indexedDB.open('latchkey');
  opening.onupgradeneeded = () => opening.result.createObjectStore('keys');
  return (await done(opening)).transaction('keys', 'readwrite').objectStore('keys');
};
window.base64url = bytes =>
  new Uint8Array(bytes).toBase64({ alphabet: 'base64url', omitPadding: true });
window.text = value => new TextEncoder().encode(value);
window.thumbprint = async ({ publicKey }) => {
  const { crv, kty, x, y } = await crypto.subtle.exportKey('jwk', publicKey);
  const members = text(JSON.stringify({ crv, kty, x, y }));
  return base64url(await crypto.subtle.digest('SHA-256', members));
};
window.plant = async () => {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  window.loot = await crypto.subtle.generateKey(algorithm, false, ['sign']);
  const keys = await store();
  keys.clear();
  await done(keys.put(loot, 1));
  await done((await store()).put({ ...loot, since: Date.now() + 1e9 }, 'zzz'));
  return thumbprint(loot);
};
window.copy = async () => thumbprint(window.loot = await done((await store()).get(1)));
window.refreshByLoot = async () => {
  const nonce = (await fetch('/auth/sessions')).headers.get('dpop-nonce');
  const { crv, kty, x, y } = await crypto.subtle.exportKey('jwk', loot.publicKey);
  const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } };
  const claims = { jti: crypto.randomUUID(), htm: 'POST', htu: location.origin + '/auth/refresh',
    iat: Math.floor(Date.now() / 1000), nonce };
  const signed = [header, claims].map(part => base64url(text(JSON.stringify(part)))).join('.');
  const algorithm = { name: 'ECDSA', hash: 'SHA-256' };
  const signature = await crypto.subtle.sign(algorithm, loot.privateKey, text(signed));
  const dpop = `${signed}.${base64url(signature)}`;
  const answer = await fetch('/auth/refresh', { method: 'POST', headers: { dpop } });
  return [answer.status, (await answer.json()).code ?? ''];
};
"""
STORED: Final = """
async () => {
  const keys = await done((await store()).getAll());
  return Promise.all(keys.map(thumbprint));
}
"""
# The tab goes away when the server has answered a log-in and before its key took its place.
LOST_BEFORE_PROMOTION: Final = """
() => {
const real = IDBObjectStore.prototype.delete;
IDBObjectStore.prototype.delete = function (what) {
  if (what instanceof IDBKeyRange) throw new DOMException('gone', 'AbortError');
  return real.call(this, what);
};
}
"""


@pytest.fixture(autouse=True)
def injected(context: BrowserContext) -> None:
    """Have script injected into every page."""
    context.add_init_script(SCRIPT)


def keys(page: Page) -> list[str]:
    """Return the thumbprints of all keys that the browser has stored."""
    found: list[str] = page.evaluate(STORED)
    return found


def bound_to(site: GunicornServer) -> list[Any]:
    """Return the thumbprints that live sessions are bound to."""
    return [family["jkt"] for family in live(site)]


def change_password(page: Page, person: Person) -> None:
    """Change the password in an account page, without leaving the document."""
    page.get_by_role("navigation", name="Account").get_by_role("link", name="Password").click()
    page.get_by_label("Current password", exact=True).fill(person.password)
    page.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    submit(page)
    expect(page.get_by_role("heading", name="Your password is changed")).to_be_visible()


@pytest.mark.parametrize("way", ["log-in", "registration", "password change"])
def test_former_key_proves_nothing_afterwards(
    page: Page, site: GunicornServer, request: pytest.FixtureRequest, way: str
) -> None:
    """Neither a key that script planted nor a copy of the one before: it is a thief's."""
    if way == "registration":
        page.goto("/register")
        former = page.evaluate("plant()")
        fill_in(page, ADA)
        submit(page)
    else:
        ada = request.getfixturevalue("ada")
        page.goto("/login")
        former = page.evaluate("plant()")
        fill_in(page, ada)
        submit(page)
    at_account(page)
    if way == "password change":
        former = page.evaluate("copy()")
        assert bound_to(site) == [former]
        change_password(page, ADA)
    assert bound_to(site) == keys(page) != [former]
    page.get_by_role("navigation", name="Account").get_by_role("link", name="Overview").click()
    page.get_by_role("button", name="Refresh now").click()
    page.locator(".said", has_text="Done.").wait_for()
    assert page.evaluate("refreshByLoot()") == [401, "session_ended"]
    ended = [one["revoked_reason"] for one in families(site) if one["revoked_reason"]]
    assert "foreign_key" in ended


@pytest.mark.parametrize("path", ["/login", "/register"])
def test_former_key_does_not_bind_a_log_in_without_script(
    page: Page, site: GunicornServer, request: pytest.FixtureRequest, path: str
) -> None:
    """The plain form binds nothing; the first refresh binds to a key from after it."""
    who = request.getfixturevalue("ada") if path == "/login" else ADA
    page.goto(path)
    planted = page.evaluate("plant()")
    fill_in(page, who)
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
    fill_in(other, Person(ada.email, "not at all the password"))
    submit(other)
    expect(other.get_by_role("alert")).to_contain_text("wrong")
    other.route("**/auth/login", lambda route: route.abort("connectionfailed"))
    fill_in(other, ada)
    submit(other)
    expect(other.get_by_role("alert")).to_contain_text("could not be reached")
    page.bring_to_front()
    page.get_by_role("button", name="Refresh now").click()
    page.locator(".said", has_text="Done.").wait_for()
    page.reload()
    at_account(page)
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
    fill_in(page, ada)
    submit(page)
    expect(page.get_by_role("alert")).to_contain_text("could not be reached")
    fill_in(page, ada)
    submit(page)
    at_account(page)
    page.reload()
    at_account(page)
    (key,) = keys(page)
    assert key in bound_to(site)


def test_tab_that_went_before_it_kept_its_key(
    page: Page, context: BrowserContext, site: GunicornServer, ada: Person
) -> None:
    """The next page finds the pending key, and the session goes on bound to it."""
    page.goto("/login")
    page.evaluate(LOST_BEFORE_PROMOTION)
    fill_in(page, ada)
    submit(page)
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
        context.add_init_script("LockManager.prototype.request = () => Promise.reject(Error())")
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
    assert asked == []
    held[0].continue_()
    at_account(other)
    at_account(page)
    page.reload()
    at_account(page)
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
