"""Latchkey with many bound sessions, and who logs in there."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Literal

from app.families import queries
from app.families.models import Family
from app.infra.clock import Clock
from app.infra.database import Database
from app.services import build
from app.tokens.nonces import NONCE_SECONDS
from config import Settings
from tests.support.accounts import create_account
from tests.support.bound_clients.browser import (
    REFRESH_PATH,
    Browser,
    Habits,
    LoggedOut,
    token_name,
)
from tests.support.servers.lossy_proxy import CALM, Kept, LossyProxy, Weather


@dataclass(frozen=True)
class Deployment:
    """A server behind a bad line, and its database to look into."""

    proxy: LossyProxy
    settings: Settings

    def browser(self, habits: Habits, seed: int, *, bound: bool = True) -> Browser:
        """Return the browser of somebody who has an account."""
        browser = Browser(self.proxy.url, self.proxy.port, habits, seed, bound=bound)
        create_account(self.settings, browser.email, browser.password)
        return browser

    def family(self, family_id: str) -> Family:
        database = Database(self.settings.database_url)
        with database.autocommit() as connection:
            found = queries.find(connection, family_id)
        database.engine.dispose()
        assert found is not None
        return found

    def reason(self, family_id: str) -> str | None:
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
            found.append(f"access token with {token_name(cookie)}")
        browser.cookie = cookie
        answer = await browser.patiently(partial(browser.send, "POST", REFRESH_PATH))
        if answer.code != "session_ended":
            found.append(f"refresh token {token_name(cookie)}")
    browser.cookie = kept
    return found
