"""A look at the browser's key, and at what becomes of its requests."""

from contextlib import suppress
from http.client import HTTPConnection
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Error, Page, Response, Route, expect

from tests.support.browsing import refresh_cookie

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
        paths = ("/auth/login", "/auth/refresh")
        return [one.json() for one in self.answers if one.url.endswith(paths) and one.ok]


def stored(context: BrowserContext) -> str:
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
    page.bring_to_front()
    page.get_by_role("button", name="Refresh now").click()
    expect(page.locator(".said")).to_contain_text("Done.")
