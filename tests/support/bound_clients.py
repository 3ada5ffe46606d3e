"""The people of these stories: a browser with a key and many tabs, and a thief with its loot.

The browser is modelled where it matters. Its tabs share one cookie jar. A cookie is set when the
head of an answer arrives, however late, unless its connection is closed by then: aborting a
request closes its connection. Reloading a page forgets its access token and gives up its lock;
a request under way is aborted, or goes on without its page (`keepalive`).
"""

from __future__ import annotations

import asyncio
import json
import random
import secrets
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any, Final, Literal

from app.attacks.prover import Prover
from app.families import queries
from app.families.models import Family
from app.infra.clock import Clock
from app.infra.database import Database
from app.services import build
from app.tokens.nonces import NONCE_SECONDS
from app.web.cookies import REFRESH
from config import Settings
from tests.support.servers.lossy_proxy import CALM, Kept, LossyProxy, Weather

PASSWORD: Final = "quarry lantern umbrella nine"
NEW_PASSWORD: Final = "another marble teapot wanders"
HEAD_END: Final = b"\r\n\r\n"
KEPT_EVENTS: Final = 60
REFRESH_PATH: Final = "/auth/refresh"

_numbers = count()


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


@dataclass(frozen=True)
class Answer:
    """An answer that arrived: `cookie` is None when it sets none, empty when it takes it back."""

    status: int
    headers: Mapping[str, str]
    cookie: str | None
    body: bytes

    @property
    def data(self) -> dict[str, Any]:
        """The JSON object of the body."""
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def code(self) -> str:
        """The problem's code; empty when it is none."""
        return str(self.data.get("code", "")) if self.status >= 400 else ""


@dataclass(frozen=True)
class Request:
    """What is sent; a `body` goes as JSON."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: object = None

    def __bytes__(self) -> bytes:
        body = b"" if self.body is None else json.dumps(self.body).encode()
        lines = [f"{self.method} {self.path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.method != "GET":
            lines.append(f"Content-Length: {len(body)}")
        if body:
            lines.append("Content-Type: application/json")
        return "\r\n".join((*lines, "Connection: close", "", "")).encode() + body


OnHead = Callable[[str | None, dict[str, str]], None]


async def exchange(port: int, request: Request, on_head: OnHead | None = None) -> Answer:
    """Send one request on a connection of its own; when cancelled, close it.

    `on_head` learns of cookie and headers as soon as they are there, body or no body.

    Raises:
        OSError, EOFError: no whole answer came.

    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(bytes(request))
        head = (await reader.readuntil(HEAD_END)).decode("latin-1").split("\r\n")
        fields = [line.partition(": ")[::2] for line in head[1:-2]]
        headers = {name.lower(): value for name, value in fields}
        cookie = _cookie_of(fields)
        if on_head:
            on_head(cookie, headers)
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        return Answer(int(head[0].split()[1]), headers, cookie, body)
    finally:
        writer.close()


def _cookie_of(fields: list[tuple[str, str]]) -> str | None:
    mark = f"{REFRESH}="
    values = [v for name, v in fields if name.lower() == "set-cookie" and v.startswith(mark)]
    return values[-1].removeprefix(mark).partition(";")[0] if values else None


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
        self.email = f"story-{secrets.token_hex(4)}-{next(_numbers)}@example.com"
        self.password = PASSWORD
        self.cookie = ""
        self.family = ""
        self.registered = False
        self.counts: Counter[str] = Counter()
        self.events: deque[str] = deque(maxlen=KEPT_EVENTS)
        self.proofs: deque[str] = deque(maxlen=KEPT_EVENTS)
        self.grants: list[tuple[str, str]] = []
        self._left: set[asyncio.Task[Answer]] = set()
        self._lock = asyncio.Lock()

    @property
    def headers(self) -> dict[str, str]:
        """What a browser says of itself with every request."""
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
            self.note(f"{who} sends {_name(sent)}")

        def on_head(given: str | None, found: Mapping[str, str]) -> None:
            self.prover.nonce = found.get("dpop-nonce", self.prover.nonce)
            if given is not None:
                after = (time.monotonic() - begun) * 1000
                self.note(f"{who} sent {_name(sent)} and sets {_name(given)} after {after:.0f} ms")
                self.cookie = given

        self.counts["requests"] += 1
        async with asyncio.timeout(self.habits.request_seconds):
            return await exchange(self.port, Request(method, path, headers, body), on_head)

    def prove(self, method: str, path: str, access: str | None = None, **claims: Any) -> str:  # noqa: ANN401 - any claim
        """Make a proof by this browser's clock."""
        now = int(time.time()) + self.habits.ahead
        return self.prover.proof(method, self.url + path, access, **({"iat": now} | claims))

    def note(self, event: str) -> None:
        """Remember an event, for who asks how it came to this."""
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
        """Register at the first time, log in, and return the access token."""
        body = {"email": self.email, "password": self.password}
        if not self.registered:
            await self.patiently(lambda: self.send("POST", "/auth/register", body))
            self.registered = True
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
        """Change the password and return the access token of the new family."""
        body = {"current_password": self.password, "new_password": new}
        answer = await self.patiently(lambda: self.send("POST", "/auth/password", body, access))
        granted, self.password = self._granted(answer), new
        self.family = answer.data["session"]["id"]
        return granted

    async def ask(self, access: str, method: str = "GET", path: str = "/api/me") -> Answer:
        """Make a protected request."""
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


@dataclass
class Storm:
    """What came of many browsers in bad weather: counts, and the story of each logout."""

    counts: Counter[str] = field(default_factory=Counter)
    logouts: list[str] = field(default_factory=list)


async def storm(browsers: list[Browser], refreshes: int, seconds: float) -> Storm:
    """Let all browsers live until so many refreshes were answered, or it takes too long.

    A browser that is logged out tells its story and logs in anew.
    """
    found, deadline = Storm(), time.monotonic() + seconds

    def enough() -> bool:
        done = sum(browser.counts["refreshes"] for browser in browsers)
        return done >= refreshes or time.monotonic() > deadline

    async def life(browser: Browser) -> None:
        await browser.enter()
        while not enough():
            tabs = [Tab(browser, f"tab {n}") for n in range(browser.habits.tabs)]
            try:
                async with asyncio.TaskGroup() as group:
                    for tab in tabs:
                        group.create_task(tab.live(enough))
            except* LoggedOut:
                found.logouts.append("\n".join((browser.family, *browser.events)))
                await browser.enter()
        await browser.close()

    async with asyncio.TaskGroup() as group:
        for browser in browsers:
            group.create_task(life(browser))
    for browser in browsers:
        found.counts.update(browser.counts)
    return found


@dataclass(frozen=True)
class Theft:
    """What a thief has, and what must come of it; `ends` is the reason, empty when it goes on."""

    loot: str
    proof: str
    status: int
    code: str
    ends: str = ""


PROOFS: Final = (
    ("no proof", 401, "session_ended", "no_proof"),
    ("foreign key", 401, "session_ended", "foreign_key"),
    ("replayed", 400, "invalid_dpop_proof", ""),
    ("old nonce", 400, "use_dpop_nonce", ""),
    ("guessed nonce", 400, "use_dpop_nonce", ""),
)
COOKIE_THEFTS: Final = tuple(
    Theft(f"{which} cookie", *proof) for which in ("current", "spent", "older") for proof in PROOFS
)
ACCESS_THEFTS: Final = (
    Theft("access token", "as Bearer", 401, "invalid_token"),
    Theft("access token", "no proof", 401, "invalid_dpop_proof"),
    Theft("access token", "foreign key", 401, "invalid_dpop_proof"),
    Theft("access token", "replayed", 401, "invalid_dpop_proof"),
    Theft("access token", "old nonce", 401, "use_dpop_nonce"),
)
THEFTS: Final = COOKIE_THEFTS + ACCESS_THEFTS


class Thief:
    """A program elsewhere, with copies of what a victim's browser holds.

    It has no key of the victim. Proofs by that key it has are those recorded on their way, and
    those that script in the victim's page made ahead, with an old or a guessed nonce.
    """

    def __init__(self, victim: Browser, old_nonce: str) -> None:
        self._victim, self._old_nonce = victim, old_nonce
        self._own = Prover()

    async def attempt(self, theft: Theft) -> tuple[Answer, str]:
        """Copy the loot of a victim who is just working, use it; also return whose it was."""
        victim = self._victim
        older = victim.cookie
        await victim.refresh()
        spent = victim.cookie
        access = await victim.refresh()
        cookies = {"current cookie": victim.cookie, "spent cookie": spent, "older cookie": older}
        headers = victim.headers
        if cookie := cookies.get(theft.loot):
            headers["Cookie"] = f"{REFRESH}={cookie}"
            headers |= self._proof(theft.proof, "POST", REFRESH_PATH, victim.proofs[-1])
            return await self._try("POST", REFRESH_PATH, headers), victim.family
        recorded = victim.prove("GET", "/api/me", access)
        headers |= {"Authorization": f"DPoP {access}", "DPoP": recorded}
        seen = await self._try("GET", "/api/me", headers)  # the victim's own request
        assert seen.status == 200
        del headers["DPoP"]
        if theft.proof == "as Bearer":
            headers["Authorization"] = f"Bearer {access}"
        headers |= self._proof(theft.proof, "GET", "/api/me", recorded, access)
        return await self._try("GET", "/api/me", headers), victim.family

    async def _try(self, method: str, path: str, headers: dict[str, str]) -> Answer:
        return await exchange(self._victim.port, Request(method, path, headers))

    def _proof(
        self, kind: str, method: str, path: str, recorded: str, access: str | None = None
    ) -> dict[str, str]:
        victim = self._victim
        made = {
            "foreign key": lambda: self._own.proof(
                method, victim.url + path, access, nonce=victim.prover.nonce
            ),
            "replayed": lambda: recorded,
            "old nonce": lambda: victim.prove(method, path, access, nonce=self._old_nonce),
            "guessed nonce": lambda: victim.prove(
                method, path, access, nonce=secrets.token_urlsafe(16)
            ),
        }.get(kind)
        return {"DPoP": made()} if made else {}


async def rob(
    victim: Browser, thief: Thief, theft: Theft, reason_of: Callable[[str], str | None]
) -> str:
    """Let one theft happen; return what was not as promised, empty when all was.

    `reason_of` reads from the database why a family was revoked; None when it was not.
    """
    if not victim.cookie:
        await victim.enter()
    answer, family = await thief.attempt(theft)
    found = (answer.status, answer.code, reason_of(family) or "")
    wrong = [] if found == (theft.status, theft.code, theft.ends) else [f"answered {found}"]
    if answer.status == 200 or (answer.cookie and answer.status != 200):
        wrong.append("the thief was given something")
    try:
        access = await victim.refresh()
        if (await victim.ask(access)).status != 200 or theft.ends:
            wrong.append("the victim's session does not do as promised")
    except LoggedOut:
        if not theft.ends:
            wrong.append("the victim was logged out")
    if theft.ends and (await victim.ask(victim.grants[-1][1])).status != 401:
        wrong.append("the victim's access token outlived the session")
    return f"{theft.loot}, {theft.proof}: {'; '.join(wrong)}" if wrong else ""


@dataclass(frozen=True)
class Stage:
    """A server behind a bad line, and its database to look into."""

    proxy: LossyProxy
    settings: Settings

    def browser(self, habits: Habits, seed: int, *, bound: bool = True) -> Browser:
        """Return somebody who has not logged in yet."""
        return Browser(self.proxy.url, self.proxy.port, habits, seed, bound=bound)

    def family(self, family_id: str) -> Family:
        """Read a family from the database."""
        database = Database(self.settings.database_url)
        with database.autocommit() as connection:
            found = queries.find(connection, family_id)
        database.engine.dispose()
        assert found is not None
        return found

    def reason(self, family_id: str) -> str | None:
        """Read why a family was revoked; None when it was not."""
        return self.family(family_id).revoked_reason

    def old_nonce(self, seconds: int = NONCE_SECONDS) -> str:
        """Return the nonce of so long ago; by default the newest that is not accepted any more."""
        clock = Clock()
        return build(self.settings, clock).nonces.current(clock.now() - seconds)

    async def lose(self, browser: Browser) -> None:
        """Have the server refresh, and its answer not arrive."""
        self.proxy.weather = Weather(lost=1)
        with suppress(EOFError):
            await browser.send("POST", REFRESH_PATH)
            raise AssertionError("an answer arrived")
        self.proxy.weather = CALM

    async def under_way(
        self, what: Literal["request", "answer"], browser: Browser, who: str = ""
    ) -> tuple[Kept, asyncio.Task[str]]:
        """Begin a refresh whose request, or answer, stays on the way until it is released."""
        kept = self.proxy.keep(what)
        task = asyncio.create_task(browser.refresh(who))
        await kept.arrived()
        return kept, task

    async def log_out_meanwhile(
        self, what: Literal["request", "answer"], browser: Browser
    ) -> list[str]:
        """Log out while a refresh is under way; return what of the session still works."""
        access = await browser.enter()
        kept, refresh = await self.under_way(what, browser)
        answer = await browser.ask(access, "POST", "/auth/logout")
        found = [] if (answer.status, browser.cookie) == (204, "") else ["the logout failed"]
        kept.release()
        await asyncio.gather(refresh, return_exceptions=True)
        found += await survivors(browser, browser.grants)
        return found + self._not_for("logged_out", browser.family)

    async def change_password_meanwhile(
        self, what: Literal["request", "answer"], browser: Browser
    ) -> list[str]:
        """Change the password while a refresh is under way; return what is not as promised."""
        access, former = await browser.enter(), browser.family
        kept, refresh = await self.under_way(what, browser)
        new = await browser.change_password(access)
        cookie = browser.cookie
        kept.release()
        await asyncio.gather(refresh, return_exceptions=True)
        found = await survivors(browser, [each for each in browser.grants if each[1] != new])
        found += self._not_for("password_changed", former)
        # The late answer may have put the old family's cookie, or none, into the jar.
        browser.cookie = cookie
        if (await browser.ask(new)).status != 200:
            found.append("the new access token does not work")
        try:
            await browser.refresh()
            await browser.enter()
        except LoggedOut:
            found.append("the new refresh token does not work")
        return found

    def _not_for(self, reason: str, family_id: str) -> list[str]:
        found = self.reason(family_id)
        return [] if found == reason else [f"revoked for {found}"]


async def survivors(browser: Browser, grants: list[tuple[str, str]]) -> list[str]:
    """Try every pair of tokens with a good proof; return which of them still work."""
    found, kept = [], browser.cookie
    for cookie, access in grants:
        if (await browser.ask(access)).status != 401:
            found.append(f"access token with {_name(cookie)}")
        browser.cookie = cookie
        answer = await browser.patiently(partial(browser.send, "POST", REFRESH_PATH))
        if answer.code != "session_ended":
            found.append(f"refresh token {_name(cookie)}")
    browser.cookie = kept
    return found


def _name(token: str) -> str:
    """Name a refresh token by the end of its signature: enough to tell it from others."""
    return token[-6:] or "nothing"
