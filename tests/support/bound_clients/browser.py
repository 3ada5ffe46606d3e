"""The people of these stories: a browser with a key and many tabs, and a thief with its loot.

The browser is modelled where it matters. Its tabs share one cookie jar. A cookie is set when the
head of an answer arrives, however late, unless its connection is closed by then: aborting a
request closes its connection. Reloading a page forgets its access token and gives up its lock;
a request under way is aborted, or goes on without its page (`keepalive`).
"""

import asyncio
import random
import secrets
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from app.attacks.prover import Prover
from app.web.cookies import REFRESH
from tests.support.bound_clients.exchange import Answer, Request, exchange

PASSWORD: Final = "quarry lantern umbrella nine"

NEW_PASSWORD: Final = "another marble teapot wanders"

KEPT_EVENTS: Final = 60

REFRESH_PATH: Final = "/auth/refresh"

numbers = count()


class LoggedOut(Exception):
    """The server said that the session is over."""


@dataclass(frozen=True)
class Habits:
    """How a browser and its user behave; times are seconds.

    The two waits stand to the delays of the line as the browser module's do to a bad network:
    a request is given up and the lock is not waited for while an answer may still come.
    """

    tabs: int = 5
    think: float = 0.2
    requests: int = 5  # at most, before a page is reloaded
    impatient: float = 0.3  # the share of pages that are reloaded at any moment instead
    reload_after: float = 1.0  # how soon, on average
    keepalive: float = 0.5  # the share of refreshes that outlive their page
    request_seconds: float = 3.0
    lock_seconds: float = 1.0
    locks: bool = True
    ahead: int = 0  # what the browser's clock is wrong by


class Browser:
    """One person's browser: a key, a jar with one refresh cookie, and what its tabs went through.

    `url` is where it believes to be and `port` where its packets go. Without a key (`bound` is
    false) it is any client of RFC 6750.
    """

    def __init__(
        self,
        url: str,
        port: int,
        habits: Habits | None = None,
        seed: int = 0,
        *,
        bound: bool = True,
    ) -> None:
        self.url, self.port, self.bound = url, port, bound
        self.habits = habits or Habits()
        self.random = random.Random(seed)  # noqa: S311 - moods
        self.prover = Prover()
        self.email = f"story-{secrets.token_hex(4)}-{next(numbers)}@example.com"
        self.password = PASSWORD
        self.cookie = ""
        self.family = ""
        self.counts: Counter[str] = Counter()
        self.events: deque[str] = deque(maxlen=KEPT_EVENTS)
        self.proofs: deque[str] = deque(maxlen=KEPT_EVENTS)
        self.grants: list[tuple[str, str]] = []
        self._left: set[asyncio.Task[Answer]] = set()
        self._lock = asyncio.Lock()

    @property
    def headers(self) -> dict[str, str]:
        return {
            "Host": self.url.removeprefix("http://"),
            "Origin": self.url,
            "Sec-Fetch-Site": "same-origin",
            "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0",
        }

    async def send(
        self,
        method: str,
        path: str,
        body: object = None,
        access: str | None = None,
        who: str = "",
    ) -> Answer:
        """Send a request as a script of the site does: with the jar's cookie, and a proof.

        Raises:
            OSError, EOFError, TimeoutError: no whole answer came.

        """
        headers, sent = self.headers, self.cookie
        if sent:
            headers["Cookie"] = f"{REFRESH}={sent}"
        if access is not None:
            headers["Authorization"] = f"{'DPoP' if self.bound else 'Bearer'} {access}"
        if self.bound:
            headers["DPoP"] = self.prove(method, path, access)
        begun = time.monotonic()
        if path == REFRESH_PATH:
            self.proofs.append(headers.get("DPoP", ""))
            self.note(f"{who} sends {token_name(sent)}")

        def on_head(given: str | None, found: Mapping[str, str]) -> None:
            self.prover.nonce = found.get("dpop-nonce", self.prover.nonce)
            if given is not None:
                after = (time.monotonic() - begun) * 1000
                self.note(
                    f"{who} sent {token_name(sent)}, sets {token_name(given)} after {after:.0f} ms"
                )
                self.cookie = given

        self.counts["requests"] += 1
        async with asyncio.timeout(self.habits.request_seconds):
            return await exchange(self.port, Request(method, path, headers, body), on_head)

    def prove(self, method: str, path: str, access: str | None = None, **claims: Any) -> str:  # noqa: ANN401 - any claim
        """Make a proof by this browser's clock."""
        now = int(time.time()) + self.habits.ahead
        return self.prover.proof(method, self.url + path, access, **({"iat": now} | claims))

    def note(self, event: str) -> None:
        self.events.append(f"{time.monotonic():.3f} {event}")

    async def patiently(self, attempt: Callable[[], Coroutine[None, None, Answer]]) -> Answer:
        """Repeat what may help to repeat, at growing distances; with a newer nonce at once."""
        tries = 0
        while True:
            try:
                answer = await attempt()
            except (OSError, EOFError, TimeoutError):
                self.counts["no answer"] += 1
            else:
                if answer.code == "use_dpop_nonce":
                    self.counts["newer nonce"] += 1
                elif answer.status not in {429, 503}:
                    return answer
                else:
                    self.counts["told to wait"] += 1
                if answer.code == "use_dpop_nonce" and tries == 0:
                    tries += 1
                    continue
            await asyncio.sleep(0.05 * 2 ** min(tries, 5) * (1 + self.random.random()))
            tries += 1

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for the other tabs, but not for long."""
        held = False
        if self.habits.locks:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.habits.lock_seconds):
                    held = await self._lock.acquire()
        try:
            yield
        finally:
            if held:
                self._lock.release()

    async def enter(self) -> str:
        """Log in, and return the access token."""
        body = {"email": self.email, "password": self.password}
        self.cookie = ""
        answer = await self.patiently(lambda: self.send("POST", "/auth/login", body))
        access = self._granted(answer)
        self.family = answer.data["session"]["id"]
        self.note(f"enters {self.family}")
        return access

    async def refresh(self, who: str = "") -> str:
        """Exchange the cookie, however often it takes, and return the new access token.

        Raises:
            LoggedOut: the server says that the session is over.

        """

        async def attempt() -> Answer:
            async with self.turn():
                sent = self.send("POST", REFRESH_PATH, who=who)
                if self.random.random() >= self.habits.keepalive:
                    return await sent
                task = asyncio.create_task(sent)
                self._left.add(task)
                task.add_done_callback(self._forget)
                return await asyncio.shield(task)

        access = self._granted(await self.patiently(attempt))
        self.counts["refreshes"] += 1
        return access

    async def change_password(self, access: str, new: str = NEW_PASSWORD) -> str:
        body = {"current_password": self.password, "new_password": new}
        answer = await self.patiently(lambda: self.send("POST", "/auth/password", body, access))
        granted, self.password = self._granted(answer), new
        self.family = answer.data["session"]["id"]
        return granted

    async def ask(self, access: str, method: str = "GET", path: str = "/api/me") -> Answer:
        return await self.patiently(lambda: self.send(method, path, access=access))

    async def close(self) -> None:
        """Abort what outlived its page."""
        for task in self._left:
            task.cancel()
        await asyncio.gather(*self._left, return_exceptions=True)

    def _granted(self, answer: Answer) -> str:
        if answer.code == "session_ended":
            raise LoggedOut
        if answer.status != 200:
            raise AssertionError(f"{answer.status} {answer.body!r}")
        access = str(answer.data["access_token"])
        self.grants.append((answer.cookie or "", access))
        return access

    def _forget(self, task: asyncio.Task[Answer]) -> None:
        self._left.discard(task)
        if not task.cancelled():
            task.exception()  # its page may be gone: nobody else asks


class Tab:
    """One tab: documents that follow each other, each with an access token of its own."""

    def __init__(self, browser: Browser, name: str) -> None:
        self.browser, self.name = browser, name

    async def live(self, enough: Callable[[], bool]) -> None:
        """Open a page, work on it, reload it at any moment, until it is enough.

        Raises:
            LoggedOut: the session ended.

        """
        browser = self.browser
        while not enough():
            impatient = browser.random.random() < browser.habits.impatient
            seconds = browser.random.expovariate(1 / browser.habits.reload_after)
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds if impatient else None):
                    await self._document()
            browser.counts["reloads"] += 1

    async def _document(self) -> None:
        browser, access = self.browser, await self.browser.refresh(self.name)
        for _ in range(browser.random.randint(1, browser.habits.requests)):
            answer = await browser.ask(access)
            if answer.status == 401:
                access = await browser.refresh(self.name)
            await asyncio.sleep(browser.random.uniform(0, 2 * browser.habits.think))


def token_name(token: str) -> str:
    """Name a refresh token by the end of its signature: enough to tell it from others."""
    return token[-6:] or "nothing"
