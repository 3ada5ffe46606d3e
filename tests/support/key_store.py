"""A look at the browser's key, and at what becomes of its requests."""

from contextlib import suppress
from http.client import HTTPConnection
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Error, Page, Response, Route

from tests.support.browsing import module, refresh_cookie, script

KEY: Final = script("key")

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

WATCH_CRYPTO: Final = script("watch_crypto")

# The answer to /stale brings a nonce that the server does not accept.
STALE: Final = f"""
import({module("transport")})
  .then(({{ request }}) => request('/stale', {{}}, null))
  .then(({{ headers }}) => headers.get('dpop-nonce'))
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
