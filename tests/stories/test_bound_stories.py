"""Bound sessions in bad weather: nobody honest is thrown out, and no thief is served.

`make stories` tells the same stories in full length.
"""

import asyncio
import shutil
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Literal, ParamSpec

import pytest
from flask import Flask

from app.attacks.prover import Prover
from app.web.cookies import REFRESH
from config import Settings
from tests.support.app import clock_of, services
from tests.support.bound_clients.browser import Habits, LoggedOut
from tests.support.bound_clients.deployment import Deployment, survivors
from tests.support.bound_clients.storm import storm
from tests.support.bound_clients.thefts import THEFTS, Thief, rob
from tests.support.client import member, problem
from tests.support.servers.lossy_proxy import CALM, LossyProxy, ServerBehind, Weather
from tests.support.servers.valkey import ValkeyServer

SEED = 20261123
HOUR = 3600
STORY_SECONDS = 100

# Longer than the lock is waited for, and sometimes than an answer is.
BAD = Weather(lost=0.05, cut=0.01, delayed=0.1, delay=(0.0, 1.5), held=0.03, hold=(0.0, 1.0))
RESTLESS = Habits(think=0.1, requests=3, request_seconds=1.2, lock_seconds=0.5)
# No lock and no request that outlives its page: each step is taken by hand.
BY_HAND = Habits(locks=False, keepalive=0.0, request_seconds=10)


@pytest.fixture(scope="module")
def deploy(
    base_environment: dict[str, str],
    valkey_server: ValkeyServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[str], Deployment]]:
    """A function that starts gunicorn, on that database and behind a line of its own."""
    valkey_server.make_sound()
    with ExitStack() as stack:

        def start(database_url: str) -> Deployment:
            proxy = stack.enter_context(LossyProxy(SEED))
            servers = {"DATABASE_URL": database_url, "REDIS_URL": valkey_server.url}
            log = tmp_path_factory.mktemp("deployment") / "gunicorn.log"
            server = ServerBehind(proxy, base_environment | servers, log, workers=4)
            stack.callback(server.stop)
            server.start()
            whole = base_environment | servers | {"PUBLIC_URL": proxy.url}
            return Deployment(proxy, Settings.from_env(whole))

        yield start


@pytest.fixture(scope="module")
def sqlite_deployment(
    deploy: Callable[[str], Deployment],
    migrated_sqlite: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Deployment:
    """The deployment on SQLite that all stories share, each with people of its own."""
    copy = shutil.copy(migrated_sqlite, tmp_path_factory.mktemp("deployment") / "latchkey.db")
    return deploy(f"sqlite:///{copy}")


@pytest.fixture(scope="module")
def postgres_deployment(deploy: Callable[[str], Deployment], migrated_postgres: str) -> Deployment:
    return deploy(migrated_postgres)


@pytest.fixture(params=["sqlite", "postgres"])
def either(request: pytest.FixtureRequest) -> Deployment:
    """The deployment on SQLite, then that on PostgreSQL."""
    found: Deployment = request.getfixturevalue(f"{request.param}_deployment")
    return found


@pytest.fixture
def deployment(sqlite_deployment: Deployment) -> Iterator[Deployment]:
    yield sqlite_deployment
    sqlite_deployment.proxy.weather = CALM


P = ParamSpec("P")


def told(story: Callable[P, Coroutine[None, None, None]]) -> Callable[P, None]:
    """Make a test of a story, which ends in time or fails."""

    @wraps(story)
    def test(*args: P.args, **kwargs: P.kwargs) -> None:
        async def bounded() -> None:
            async with asyncio.timeout(STORY_SECONDS):
                await story(*args, **kwargs)

        # Not on this thread: a browser's event loop may be running on it.
        with ThreadPoolExecutor(max_workers=1) as thread:
            thread.submit(asyncio.run, bounded()).result()

    return test


@told
async def test_nobody_is_logged_out_by_the_weather(either: Deployment) -> None:
    """Lost, cut, late and overtaken messages, five tabs each, reloads at any moment."""
    browsers = [either.browser(RESTLESS, SEED + n) for n in range(10)]
    either.proxy.weather = BAD
    found = await storm(browsers, 250, 0.9 * STORY_SECONDS)
    either.proxy.weather = CALM
    assert not found.logouts, "\n\n".join(found.logouts[:2])
    assert found.counts["refreshes"] >= 250
    families = [either.family(browser.family) for browser in browsers]
    assert all(family.revoked_at is None for family in families)
    # The weather was bad: without a second chance somebody would have been logged out.
    assert sum(family.retries for family in families) > 0
    assert either.proxy.counts["lost"] > 0


@told
async def test_late_answer_puts_an_older_cookie_back(deployment: Deployment) -> None:
    """A request that outlived its page sets its cookie after newer ones: that is no theft."""
    browser = deployment.browser(BY_HAND, SEED)
    await browser.enter()
    late, task = await deployment.under_way("answer", browser, "page left")
    for _ in range(4):
        await browser.refresh("page open")
    newest = browser.cookie
    late.release()
    await task
    assert browser.cookie != newest
    await browser.refresh("page open")
    assert browser.cookie == newest
    assert deployment.reason(browser.family) is None


@told
async def test_overtaken_request_arrives_after_all(deployment: Deployment) -> None:
    """A request of an aborted page reaches the server after newer ones: that is no theft."""
    browser = deployment.browser(BY_HAND, SEED)
    await browser.enter()
    answered = deployment.proxy.counts["answers"]
    late, task = await deployment.under_way("request", browser, "page left")
    for _ in range(3):
        await browser.refresh("page open")
    task.cancel()  # its connection closes; the request itself is on its way
    late.release()
    while deployment.proxy.counts["answers"] < answered + 4:  # noqa: ASYNC110 - of another thread
        await asyncio.sleep(0.01)
    await browser.refresh("page open")
    assert deployment.reason(browser.family) is None


@told
async def test_five_tabs_bind_one_family_at_once(deployment: Deployment) -> None:
    browser = deployment.browser(BY_HAND, SEED, bound=False)
    await browser.enter()
    browser.bound = True
    await asyncio.gather(*(browser.refresh(f"tab {n}") for n in range(5)))
    assert deployment.family(browser.family).jkt == browser.prover.thumbprint
    assert (await browser.ask(await browser.refresh())).status == 200


@told
async def test_no_thief_is_served(deployment: Deployment) -> None:
    """Every loot with every proof, three times; a wrong proof ends what no proof at all ends."""
    old_nonce = deployment.old_nonce()
    victims = [deployment.browser(BY_HAND, SEED) for _ in range(4)]

    async def three_rounds(number: int) -> list[str]:
        victim = victims[number]
        thief = Thief(victim, old_nonce)
        own = THEFTS[number::4] * 3
        return [await rob(victim, thief, theft, deployment.reason) for theft in own]

    wrong = await asyncio.gather(*(three_rounds(number) for number in range(len(victims))))
    assert [one for each in wrong for one in each if one] == []
    assert sum(len(each) for each in wrong) == 60


@pytest.mark.parametrize("ahead", [-HOUR, HOUR])
@told
async def test_wrong_clock_costs_nothing(deployment: Deployment, ahead: int) -> None:
    right = deployment.browser(BY_HAND, SEED)
    wrong = deployment.browser(replace(BY_HAND, ahead=ahead), SEED)
    for browser in (right, wrong):
        access = await browser.enter()
        for _ in range(10):
            assert (await browser.ask(access)).status == 200
            access = await browser.refresh()
    assert wrong.counts["requests"] <= right.counts["requests"] + 2
    assert deployment.family(wrong.family).generation == 10


def test_laptop_opened_after_eight_hours(app: Flask) -> None:
    """It was closed while the answer was under way: cookie and nonce are old, and it goes on."""
    clock = clock_of(app)
    laptop = member(app, key=Prover())
    cookie, nonce = laptop.refresh_token, services(app).nonce()
    assert laptop.refresh().status_code == 200
    laptop.cookies[REFRESH] = cookie  # no answer came
    clock.forward(8 * HOUR)
    stale = {"DPoP": laptop.proof("/auth/refresh", nonce=nonce)}
    refused = laptop.ask("POST", "/auth/refresh", headers=stale)
    problem(refused, 400, "use_dpop_nonce")
    assert refused.headers["DPoP-Nonce"] == services(app).nonce()
    assert laptop.refresh().status_code == 200
    assert laptop.me().status_code == 200


@pytest.mark.parametrize("late", ["request", "answer"])
@told
async def test_logout_while_a_refresh_is_under_way(
    deployment: Deployment, late: Literal["request", "answer"]
) -> None:
    assert await deployment.log_out_meanwhile(late, deployment.browser(BY_HAND, SEED)) == []


@pytest.mark.parametrize("late", ["request", "answer"])
@told
async def test_password_change_while_a_refresh_is_under_way(
    deployment: Deployment, late: Literal["request", "answer"]
) -> None:
    assert (
        await deployment.change_password_meanwhile(late, deployment.browser(BY_HAND, SEED)) == []
    )


@pytest.mark.parametrize("seed", range(3))
@told
async def test_logout_in_a_crowd(deployment: Deployment, seed: int) -> None:
    browser = deployment.browser(RESTLESS, SEED + seed)
    access = await browser.enter()
    deployment.proxy.weather = Weather(
        lost=0.1, delayed=0.5, delay=(0, 0.3), held=0.5, hold=(0, 0.3)
    )
    tabs = [asyncio.create_task(browser.refresh(f"tab {n}")) for n in range(5)]
    await asyncio.sleep(seed * 0.1)
    assert (await browser.ask(access, "POST", "/auth/logout")).status == 204
    _, hanging = await asyncio.wait(tabs, timeout=10)
    assert not hanging
    await browser.close()
    deployment.proxy.weather = CALM
    assert await survivors(browser, browser.grants) == []
    assert deployment.reason(browser.family) == "logged_out"


@told
async def test_without_a_key_the_strict_rule_stays(deployment: Deployment) -> None:
    """A lost answer ends an unbound session at its repeat: nothing tells it from a theft."""
    browser = deployment.browser(BY_HAND, SEED, bound=False)
    access = await browser.enter()
    assert (await browser.ask(access)).status == 200
    await deployment.lose(browser)
    with pytest.raises(LoggedOut):
        await browser.refresh()
    assert deployment.reason(browser.family) == "reuse"
