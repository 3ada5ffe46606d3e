"""Many browsers that refresh at once."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field

from tests.support.bound_clients.browser import Browser, LoggedOut, Tab


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
