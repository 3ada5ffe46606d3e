"""A real Chromium against real gunicorn.

Chromium is `$CHROMIUM`, else `chromium` on the PATH, else Playwright's own. Without any, these
tests are skipped and the last line of the run says how many; with CI set they fail. Where there
is a `chromium-headless-shell`, the same engine without a browser's window, most tests use that: it
takes half of the CPU time.
"""

import os
import secrets
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from functools import cache
from pathlib import Path

import pytest
from playwright.sync_api import (
    APIRequestContext,
    Browser,
    BrowserContext,
    Page,
    Playwright,
    expect,
    sync_playwright,
)

from app.infra.redis import server_facts
from app.services import denylist_keys
from tests.conftest import NO_CHROMIUM
from tests.support.accounts import create_account
from tests.support.browsing import ADA, BOB, Device, Person, at_account, log_in, section
from tests.support.clone import Clone
from tests.support.reauthentication import let_the_log_in_be_old
from tests.support.servers.gunicorn import GunicornServer
from tests.support.servers.valkey import ValkeyServer

# The first three start processes for each window or tab that no test looks at: a spare page, and
# the suggestions below the address bar. The others are Playwright's own list, which ours replaces.
DISABLED_FEATURES = [
    "SpareRendererForSitePerProcess",
    "WebUIOmniboxAimPopup",
    "WebUIOmniboxPopup",
    "AimEnabled",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
    "ThirdPartyStoragePartitioning",
]
FLAGS = [
    f"--disable-features={','.join(DISABLED_FEATURES)}",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Other sites for cross-origin tests; `localhost` and its subdomains need no rule.
    "--host-resolver-rules=MAP *.test 127.0.0.1",
    # Chromium's own sandbox cannot be set up by root.
    *(["--no-sandbox"] if os.geteuid() == 0 else []),
]
DEADLINE_MS = 10_000
WHOLE_SECONDS = 300


@cache
def chromium() -> str | None:
    named = os.environ.get("CHROMIUM")
    if named:
        return named
    found = shutil.which("chromium")
    if found:
        return found
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).exists() else None


def headless_shell() -> str | None:
    return os.environ.get("CHROMIUM") or shutil.which("chromium-headless-shell") or chromium()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Skip, or fail, before any fixture asks for a browser."""
    if chromium() is None:
        if os.environ.get("CI"):
            pytest.fail("CI is set and there is no Chromium: a browser test may not be skipped")
        pytest.skip(NO_CHROMIUM)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    expect.set_options(timeout=DEADLINE_MS)
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=headless_shell(), args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def session_site(
    deployed: Callable[[], AbstractContextManager[GunicornServer]],
) -> Iterator[GunicornServer]:
    with deployed() as server:
        yield server


@pytest.fixture
def site(session_site: GunicornServer, valkey: ValkeyServer) -> GunicornServer:
    """A Latchkey that nobody has registered with; its `url` is the public one.

    Emptying Valkey is a loss of memory, which costs the next proof a repeat. No visitor sees
    that: the marker says that the memory has been whole for some time.
    """
    identity = server_facts(valkey.client).identity
    value = f"{identity}.{int(time.time()) - WHOLE_SECONDS}.{secrets.token_urlsafe()}"
    valkey.client.set(denylist_keys(session_site.settings).marker, value)
    with closing(sqlite3.connect(session_site.database, timeout=10)) as database, database:
        tables = database.execute(
            "SELECT name FROM sqlite_master"
            " WHERE type = 'table' AND name <> 'alembic_version' AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
        for (name,) in tables:
            database.execute(f'DELETE FROM "{name}"')  # noqa: S608 - names from the schema itself
    return session_site


@pytest.fixture(scope="module")
def development(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """A fresh clone in which `make run` was typed."""
    clone = Clone(tmp_path_factory.mktemp("make-run"))
    clone.run()
    yield clone
    clone.interrupt()
    clone.close()


@pytest.fixture
def context(browser: Browser, site: GunicornServer) -> Iterator[BrowserContext]:
    with browser.new_context(base_url=site.url) as context:
        context.set_default_timeout(DEADLINE_MS)
        yield context


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture
def device(playwright: Playwright, site: GunicornServer) -> Iterator[Callable[[Person], Device]]:
    started: list[APIRequestContext] = []

    def start(person: Person) -> Device:
        started.append(playwright.request.new_context(base_url=site.url))
        return Device(started[-1], person)

    yield start
    for api in started:
        api.dispose()


@pytest.fixture
def ada(site: GunicornServer) -> Person:
    create_account(site, ADA.email, ADA.password)
    return ADA


@pytest.fixture
def bob(site: GunicornServer) -> Person:
    create_account(site, BOB.email, BOB.password)
    return BOB


@pytest.fixture
def phone(device: Callable[[Person], Device]) -> Device:
    return device(ADA)


@pytest.fixture
def old(page: Page, site: GunicornServer, ada: Person, phone: Device) -> Page:
    """The sessions page of somebody who logged in a while ago, and is logged in elsewhere too."""
    phone.log_in()
    log_in(page, ada)
    section(page, "Sessions")
    at_account(page, "Your sessions")
    let_the_log_in_be_old(site)
    page.reload()
    at_account(page, "Your sessions")
    return page
