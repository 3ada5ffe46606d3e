"""`make stories`: what is promised of bound sessions, told at full length with real parts.

Four real workers behind a line that loses, cuts, delays and reorders. Prints a table for the
documentation; a row that is not as promised makes the exit status 1.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from config import Settings
from tests.support.bound_clients.browser import Browser, Habits, LoggedOut
from tests.support.bound_clients.deployment import Deployment
from tests.support.bound_clients.storm import storm
from tests.support.bound_clients.thefts import THEFTS, Thief, rob
from tests.support.servers.lossy_proxy import CALM, LossyProxy, ServerBehind, Weather

WORKERS: Final = 4
BROWSERS: Final = 24
REFRESHES: Final = 10_000
STORM_SECONDS: Final = 270.0
THEFTS_EACH: Final = 50
VICTIMS: Final = 10
HOUR: Final = 3600
CLOCK_BROWSERS: Final = 10
CLOCK_REFRESHES: Final = 20
LAPTOPS: Final = 20
RACES: Final = 25
RACE_SECONDS: Final = 120

# The browser module waits 5 s for the lock and 15 s for an answer; here it is 0.7 s and 2 s, and
# a late message is late by up to 2.5 s, so that neither wait hides what a late message does.
STORM: Final = Weather(
    lost=0.05, cut=0.01, delayed=0.1, delay=(0.0, 2.5), held=0.03, hold=(0.0, 1.5)
)
RESTLESS: Final = Habits(think=0.1, requests=3, request_seconds=2.0, lock_seconds=0.7)
BY_HAND: Final = Habits(locks=False, keepalive=0.0, request_seconds=30.0)


@dataclass(frozen=True)
class Row:
    """One line of the table; `kept` tells whether it is as promised."""

    story: str
    times: str
    result: str
    kept: bool


def run(environment: Mapping[str, str], words: Sequence[str]) -> None:
    """Tell all stories and print the table."""
    parser = argparse.ArgumentParser(prog="make stories")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--refreshes", type=int, default=REFRESHES)
    parser.add_argument("--thefts", type=int, default=THEFTS_EACH, help="of each kind")
    parser.add_argument("--seconds", type=float, default=STORM_SECONDS, help="of storm, at most")
    asked = parser.parse_args(words)
    print(f"seed {asked.seed}, {WORKERS} workers", flush=True)
    begun = time.perf_counter()
    with ExitStack() as stack:
        deployment = deploy(stack, environment, asked.seed)
        rows = [
            *asyncio.run(weather_story(deployment, asked.seed, asked.refreshes, asked.seconds)),
            *asyncio.run(theft_stories(deployment, asked.seed, asked.thefts)),
            *asyncio.run(clock_stories(deployment, asked.seed)),
            *asyncio.run(race_stories(deployment, asked.seed)),
        ]
    with ExitStack() as stack:
        # An hour of the usual twelve that a session may be idle is one second here.
        deployment = deploy(stack, {**environment, "REFRESH_IDLE_TTL": "12"}, asked.seed)
        rows.append(asyncio.run(laptop_story(deployment, asked.seed)))
    print(f"{time.perf_counter() - begun:.0f} s\n\n| story | how many | result |\n|---|---|---|")
    for row in rows:
        print(f"| {row.story} | {row.times} | {'' if row.kept else 'NOT KEPT: '}{row.result} |")
    if not all(row.kept for row in rows):
        sys.exit(1)


def deploy(stack: ExitStack, environment: Mapping[str, str], seed: int) -> Deployment:
    """Start a server behind a line of its own."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    proxy = stack.enter_context(LossyProxy(seed))
    server = ServerBehind(proxy, environment, folder / "gunicorn.log", WORKERS)
    stack.callback(server.stop)
    server.start()
    return Deployment(proxy, Settings.from_env({**environment, "PUBLIC_URL": proxy.url}))


async def weather_story(
    deployment: Deployment, seed: int, refreshes: int, at_most: float
) -> list[Row]:
    """Many browsers with five tabs each, in a storm."""
    browsers = [deployment.browser(RESTLESS, seed + number) for number in range(BROWSERS)]
    deployment.proxy.weather = STORM
    begun = time.perf_counter()
    found = await storm(browsers, refreshes, at_most)
    deployment.proxy.weather = CALM
    seconds = time.perf_counter() - begun
    families = [deployment.family(browser.family) for browser in browsers]
    retries = sum(family.retries for family in families)
    done, line = found.counts["refreshes"], deployment.proxy.counts
    for story in found.logouts[:3]:
        print(f"\na logout:\n{story}", file=sys.stderr)
    return [
        Row(
            f"refreshes answered to {BROWSERS} browsers with 5 tabs, {found.counts['reloads']:,}"
            f" reloads, in {seconds:.0f} s: {line['lost']:,} of {line['answers']:,} answers lost,"
            f" {line['cut']:,} cut, {line['delayed']:,} delayed, {line['held']:,} requests held",
            f"{done:,}",
            f"{len(found.logouts)} spurious logouts, {retries:,} retries",
            not found.logouts
            and done >= refreshes
            and all(f.revoked_at is None for f in families),
        )
    ]


async def theft_stories(deployment: Deployment, seed: int, each: int) -> list[Row]:
    """Every loot with every proof, as often."""
    old_nonce, thefts = deployment.old_nonce(), list(THEFTS) * each
    wrong: Counter[tuple[str, str]] = Counter()

    async def career(victim: Browser) -> None:
        thief = Thief(victim, old_nonce)
        while thefts:
            theft = thefts.pop()
            if fault := await rob(victim, thief, theft, deployment.reason):
                wrong[_kind(theft.loot), theft.proof] += 1
                print(fault, file=sys.stderr)

    async with asyncio.TaskGroup() as group:
        for number in range(VICTIMS):
            group.create_task(career(deployment.browser(BY_HAND, seed + number)))
    kinds = Counter((_kind(theft.loot), theft.proof) for theft in THEFTS)
    ends = {(_kind(theft.loot), theft.proof): theft.ends for theft in THEFTS}
    return [
        Row(
            f"stolen {loot}, {proof}",
            f"{count * each:,}",
            f"{count * each - wrong[loot, proof]:,} refused, "
            + (
                f"ended and recorded as `{ends[loot, proof]}`"
                if ends[loot, proof]
                else "none ended"
            ),
            not wrong[loot, proof],
        )
        for (loot, proof), count in kinds.items()
    ]


def _kind(loot: str) -> str:
    return "access token" if loot == "access token" else "refresh token (current, spent, older)"


async def clock_stories(deployment: Deployment, seed: int) -> list[Row]:
    """The same work with a right clock and with wrong ones, in good weather."""
    needed, rows = 0.0, []
    for ahead, words in ((0, "right"), (HOUR, "one hour fast"), (-HOUR, "one hour slow")):
        habits = replace(BY_HAND, ahead=ahead)
        browsers = [deployment.browser(habits, seed + number) for number in range(CLOCK_BROWSERS)]
        ended = sum(await asyncio.gather(*(_work(browser) for browser in browsers)))
        requests = sum(browser.counts["requests"] for browser in browsers)
        needed = needed or requests
        refreshes = sum(browser.counts["refreshes"] for browser in browsers)
        rows.append(
            Row(
                f"client clock {words}",
                f"{refreshes} refreshes",
                f"{ended} logouts, {requests} requests",
                # A nonce may run out meanwhile: one repeat for each browser.
                not ended and requests <= needed + CLOCK_BROWSERS,
            )
        )
    return rows


async def _work(browser: Browser) -> int:
    access = await browser.enter()
    try:
        for _ in range(CLOCK_REFRESHES):
            await browser.ask(access)
            access = await browser.refresh()
    except LoggedOut:
        return 1
    return 0


async def race_stories(deployment: Deployment, seed: int) -> list[Row]:
    """Log out, or change the password, while a refresh is under way."""
    names = {
        "logout": deployment.log_out_meanwhile,
        "password change": deployment.change_password_meanwhile,
    }
    lates: tuple[Literal["request", "answer"], ...] = ("request", "answer")
    rows = []
    for name, race in names.items():
        faults: list[str] = []
        try:
            async with asyncio.timeout(RACE_SECONDS):
                for number in range(RACES):
                    for late in lates:
                        faults += await race(late, deployment.browser(BY_HAND, seed + number))
        except TimeoutError:
            faults.append("it hung")
        result = "; ".join(sorted(set(faults))) or "nothing revived, nothing hung"
        story = f"{name} while a refresh is under way (its request late, its answer late)"
        rows.append(Row(story, str(RACES * len(lates)), result, not faults))
    return rows


async def laptop_story(deployment: Deployment, seed: int) -> Row:
    """Closed during a refresh, and opened after eight of the twelve hours."""
    browsers = [deployment.browser(BY_HAND, seed + number) for number in range(LAPTOPS)]
    for browser in browsers:
        await browser.enter()
    for browser in browsers:
        await deployment.lose(browser)
        browser.prover.nonce = deployment.old_nonce(8 * HOUR)
    await asyncio.sleep(8)
    ended = 0
    for browser in browsers:
        try:
            await browser.ask(await browser.refresh())
        except LoggedOut:
            ended += 1
    story = "laptop closed during a refresh, opened after 8 h of 12 (an hour is a second here)"
    return Row(story, str(LAPTOPS), f"{LAPTOPS - ended} still logged in", not ended)
