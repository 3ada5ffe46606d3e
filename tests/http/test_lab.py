"""The lab: whole in development, and elsewhere not there at all."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest
from flask.testing import FlaskClient
from redis import RedisError
from sqlalchemy import select
from werkzeug.serving import make_server

from app.accounts.models import users
from app.dev.install import install
from app.dev.lab import lab_runs, log_copy
from app.dev.lab.attacker_site import ATTACKS as STAGED
from app.dev.lab.attacker_site import LOGIN, SESSION, attacker_origin
from app.dev.lab.lab_routes import IN_BROWSER, NAME, STATIC, run_store
from app.dev.lab.run_store import BUSY_SECONDS, MAX_SEEN, RunStore
from app.dev.lab.weakened import variants_of
from app.dev.lab.weakened_instance import InstanceError
from app.services import redis_prefix, services
from app.threats import ENTRIES
from app.web.cookies import REFRESH
from app.web.headers import ALWAYS
from config import ROOT, Settings
from tests.support.named_code import is_there
from tests.support.processes import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask
    from werkzeug.test import TestResponse

    from tests.support.servers.valkey import ValkeyServer

SLUGS: Final = [entry.slug for entry in ENTRIES]
POLICY: Final = "Content-Security-Policy"

# A process that only builds the app and asks for all of the lab's addresses.
ELSEWHERE: Final = """
import json, sys
from wsgi import app
asked = {path: app.test_client().get(path, base_url="https://localhost").status_code
         for path in json.loads(sys.stdin.read())}
page = app.test_client().get("/threats", base_url="https://localhost").get_data(as_text=True)
print(json.dumps({
    "modules": [name for name in sys.modules if name.startswith("app.dev.lab")],
    "rules": [rule.rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/lab")],
    "asked": asked,
    "named": "/lab" in page,
}))
"""


@pytest.fixture
def app(app: Flask) -> Flask:
    """Give the app with what wsgi.py adds in development."""
    install(app)
    return app


@pytest.fixture
def environment(
    base_environment: dict[str, str], sqlite_url: str, valkey: ValkeyServer
) -> dict[str, str]:
    """Give the environment at a port of its own; the lab asks no database of any kind."""
    port = str(free_port())
    return base_environment | {
        "DATABASE_URL": sqlite_url,
        "REDIS_URL": valkey.url,
        "PORT": port,
        "PUBLIC_URL": f"http://localhost:{port}",
    }


@pytest.fixture
def settings(environment: dict[str, str], tmp_path: Path) -> Settings:
    """Give the settings of development, with an instance folder of the test's own."""
    return replace(Settings.from_env(environment), env="development", instance=tmp_path)


@pytest.fixture
def visitor(app: Flask, settings: Settings) -> FlaskClient:
    """Give a browser at the public address."""
    return browser(app, settings.public_url)


@pytest.fixture
def attacker(app: Flask, settings: Settings) -> FlaskClient:
    """Give a browser at the machine's other name."""
    return browser(app, attacker_origin(settings.public_url))


@pytest.fixture
def served(app: Flask, settings: Settings) -> Iterator[None]:
    """Have the app listen where its settings say, as a program's attacks need it."""
    server = make_server("127.0.0.1", settings.port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield
    server.shutdown()
    thread.join()
    server.server_close()


class At(FlaskClient):
    """A client that stands at one origin."""

    origin = ""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:  # noqa: ANN401 - werkzeug's own
        """Send a request there."""
        return super().open(*args, base_url=self.origin, **kwargs)


def browser(app: Flask, origin: str) -> FlaskClient:
    """Return a client that stands at an origin."""
    client = At(app, app.response_class)
    client.origin = origin
    return client


def lab_store(app: Flask) -> RunStore:
    """Return what the lab remembers."""
    with app.app_context():
        return run_store()


def addresses(app: Flask) -> set[str]:
    """Return the addresses of all accounts that are not erased."""
    with app.app_context(), services().database.autocommit() as connection:
        rows = connection.execute(select(users.c.email)).scalars()
        return {email for email in rows if "@" in str(email)}


def opened(visitor: FlaskClient) -> dict[str, Any]:
    """Begin a run in a browser."""
    answer = visitor.post("/lab/browser")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    run: dict[str, Any] = answer.get_json()
    return run


@pytest.mark.parametrize("env", ["testing", "staging", "production"])
def test_absent_elsewhere(environment: dict[str, str], env: str) -> None:
    """No route, no file, no link, and no line of it in the process."""
    files = [f"/lab/static/{file.relative_to(STATIC)}" for file in STATIC.rglob("*.*")]
    site = ["/lab/attacker-site/attacker/clickjacking", "/lab/attacker-site/weakened/whoami"]
    paths = ["/lab", "/lab/", "/lab/page/guarded", *(f"/lab/{slug}" for slug in SLUGS)]
    own = environment | {"APP_ENV": env, "PUBLIC_URL": "https://localhost"}
    found = subprocess.run(
        [sys.executable, "-c", ELSEWHERE],
        cwd=ROOT,
        env=own,
        input=json.dumps([*paths, *site, *files]),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert found.returncode == 0, found.stderr
    told = json.loads(found.stdout.splitlines()[-1])
    assert (told["modules"], told["rules"], told["named"]) == ([], [], False)
    assert set(told["asked"].values()) == {404}


def test_every_attack_has_a_card(visitor: FlaskClient) -> None:
    """Listed, at its own address, with its weakened variant, and without a script of its own."""
    listed = visitor.get("/lab").get_data(as_text=True)
    for entry in ENTRIES:
        assert f'href="/lab/{entry.slug}"' in listed
        page = visitor.get(f"/lab/{entry.slug}").get_data(as_text=True)
        assert f"<h1>{entry.name.replace(chr(39), '&#39;')}</h1>" in page
        assert variants_of(entry.slug)[0].instead_of.rpartition(":")[2] in page.replace(
            "<wbr>", ""
        )
        assert not re.search(r"<script(?![^>]* src=)|<style|\son\w+=| style=", page)
    assert set(SLUGS) > IN_BROWSER > STAGED


def test_other_pages_lead_there(visitor: FlaskClient) -> None:
    """From each threat and each mistake to its card."""
    pages = visitor.get("/threats").get_data(as_text=True)
    pages += visitor.get("/mistakes").get_data(as_text=True)
    for slug in SLUGS:
        assert f'href="/lab/{slug}"' in pages


def test_unknown_attacks(visitor: FlaskClient) -> None:
    """There is nothing at their address, and there are two sides only."""
    for answer in (
        visitor.get("/lab/nothing"),
        visitor.post("/lab/nothing/run?side=here"),
        visitor.get("/lab/static/nothing.js"),
        visitor.get("/lab/static/../routes.py"),
        visitor.get("/lab/attacker-site/nothing"),
    ):
        assert answer.status_code == 404
    assert visitor.post("/lab/replay/run").status_code == 400
    assert visitor.post("/lab/replay/run?side=both").status_code == 400
    assert visitor.get("/lab/replay/run?side=here").status_code == 405


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize("slug", ["refresh-token-theft", "log-leaks"])
def test_here_it_holds(app: Flask, visitor: FlaskClient, slug: str) -> None:
    """The answer has all that was sent and found, and no credential; the account is erased."""
    answer = visitor.post(f"/lab/{slug}/run?side=here")
    run = answer.get_json()
    assert (answer.status_code, run["verdict"], run["why"]) == (200, "held", "")
    assert {step["kind"] for step in run["steps"]} == {"said", "exchange", "finding"}
    assert not re.search(r"eyJ[\w-]+\.[\w-]+\.", answer.get_data(as_text=True))
    assert addresses(app) == set()


@pytest.mark.usefixtures("served")
def test_families_are_told_apart(visitor: FlaskClient) -> None:
    """The picture shows whose token each is; a spent one that comes again ends its family."""
    nodes = visitor.post("/lab/refresh-token-theft/run?side=here").get_json()["picture"]
    families = [[node for node in nodes if node["family"] == one] for one in (1, 2, 3)]
    assert sum(map(len, families)) == len(nodes)
    states = [[node["state"] for node in family] for family in families]
    assert ["reused", "dead"] in states
    assert ["current"] in states


def test_the_weakened_variant_lets_it_through(app: Flask, visitor: FlaskClient) -> None:
    """In an instance of its own, whose accounts are not ours."""
    run = visitor.post("/lab/unvalidated-audience/run?side=weakened").get_json()
    assert run["verdict"] == "got_through"
    assert addresses(app) == set()


def test_one_at_a_time(app: Flask, visitor: FlaskClient) -> None:
    """The second is told to come back; the lock goes by itself when a run takes too long."""
    with lab_store(app).alone() as mine:
        assert mine
        for side in ("here", "weakened"):
            answer = visitor.post(f"/lab/replay/run?side={side}")
            assert (answer.status_code, answer.get_json()["code"]) == (409, "lab_busy")
            assert answer.headers["Retry-After"] == "5"
        with app.app_context():
            busy = f"{redis_prefix(services().settings)}lab:busy"
            assert 0 < services().redis.ttl(busy) <= BUSY_SECONDS
            services().redis.delete(busy)
    with lab_store(app).alone() as mine:
        assert mine


def test_what_stands_in_the_way(
    app: Flask, visitor: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody listens, another machine is named, no instance starts, Redis is out of reach."""
    answer = visitor.post("/lab/replay/run?side=here").get_json()
    assert (answer["verdict"], answer["steps"]) == ("inconclusive", [])
    with monkeypatch.context() as patch:
        patch.setattr(lab_runs, "own_url", lambda _: "http://192.0.2.7")
        answer = visitor.post("/lab/replay/run?side=here").get_json()
        assert answer["verdict"] == "inconclusive"
        assert "loopback" in answer["why"]

    def fails(*_: object) -> Any:  # noqa: ANN401 - never returns
        raise InstanceError("it says nothing")

    with monkeypatch.context() as patch:
        patch.setattr(lab_runs, "weakened_instance", fails)
        answer = visitor.post("/lab/replay/run?side=weakened").get_json()
        assert (answer["verdict"], answer["why"]) == ("inconclusive", "it says nothing")

    def lost(_: RunStore) -> Any:  # noqa: ANN401 - never returns
        raise RedisError

    monkeypatch.setattr(RunStore, "alone", lost)
    answer = visitor.post("/lab/replay/run?side=here")
    assert (answer.status_code, answer.get_json()["code"]) == (503, "unavailable")
    assert addresses(app) == set()


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),  # noqa: S104 - a setting
        ("::", "http://[::1]:8000"),
        ("::1", "http://[::1]:8000"),
        ("192.0.2.7", "http://192.0.2.7:8000"),
    ],
)
def test_own_address(settings: Settings, host: str, url: str) -> None:
    """Where it listens, as this machine reaches it."""
    assert lab_runs.own_url(replace(settings, host=host, port=8000)) == url


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("http://localhost:8000", "http://127.0.0.1:8000"),
        ("http://127.0.0.1", "http://localhost"),
        ("https://app.example.com", ""),
        ("http://localhost.example.com", ""),
    ],
)
def test_another_site(ours: str, theirs: str) -> None:
    """The machine's other name, where it has one."""
    assert attacker_origin(ours) == theirs


def test_the_same_rules_for_the_lab(visitor: FlaskClient, attacker: FlaskClient) -> None:
    """Its pages have every header, answer under one name, and heed where a request began."""
    for path in (
        "/lab",
        "/lab/replay",
        "/lab/nothing",
        "/lab/static/lab.css",
        "/lab/page/guarded",
    ):
        with visitor.get(path) as answer:
            headers = answer.headers
        assert [(name, headers.get(name)) for name, _ in ALWAYS] == list(ALWAYS)
        assert attacker.get(path).status_code == 421
    for path in ("/lab/replay/run?side=here", "/lab/browser", "/lab/browser/x/close"):
        assert attacker.post(path).status_code == 421
        forged = {"Sec-Fetch-Site": "cross-site", "Origin": "http://evil.example"}
        answer = visitor.post(path, headers=forged)
        assert (answer.status_code, answer.get_json()["code"]) == (403, "cross_origin")
    assert attacker.get("/login").status_code == 308
    assert attacker.post("/auth/refresh").status_code == 421


def test_the_attacker_site_is_for_open_runs(visitor: FlaskClient, attacker: FlaskClient) -> None:
    """The attacker's pages under the other name, ours under ours, none without a run."""
    run = f"lab_run={opened(visitor)['run']}"
    theirs = [f"/lab/attacker-site/attacker/{slug}" for slug in STAGED]
    ours = [
        "/lab/attacker-site/injected/search",
        "/lab/attacker-site/injected/plant",
        "/lab/attacker-site/weakened/framed",
    ]
    for path in theirs:
        assert attacker.get(f"{path}?{run}").status_code == 200
        assert visitor.get(f"{path}?{run}").status_code == 404
    for path in ours:
        assert visitor.get(f"{path}?{run}").status_code == 200
        assert attacker.get(f"{path}?{run}").status_code == 404
    for client, paths in ((attacker, theirs), (visitor, ours)):
        for path in paths:
            for query in ("", "?lab_run=", "?lab_run=x", f"?lab_run={'0' * 32}"):
                assert client.get(path + query).status_code == 404
    assert attacker.get(f"/lab/attacker-site/attacker/replay?{run}").status_code == 404


def test_exceptions_from_the_headers(visitor: FlaskClient, attacker: FlaskClient) -> None:
    """Injected script runs in one page, without the policy but with all else."""
    run = f"lab_run={opened(visitor)['run']}"
    for page in ("search", "search?weakened", "plant"):
        joined = f"{page}{'&' if '?' in page else '?'}{run}"
        headers = visitor.get(f"/lab/attacker-site/injected/{joined}").headers
        assert POLICY not in headers
        rest = [(name, value) for name, value in ALWAYS if name != POLICY]
        assert [(name, headers.get(name)) for name, _ in rest] == rest
    guarded = visitor.get(f"/lab/page/guarded?{run}")
    assert guarded.headers[POLICY] == dict(ALWAYS)[POLICY]
    assert "<script>" in guarded.get_data(as_text=True)
    assert POLICY not in visitor.get(f"/lab/attacker-site/weakened/framed?{run}").headers
    assert POLICY not in attacker.get(f"/lab/attacker-site/attacker/clickjacking?{run}").headers


def test_what_the_browser_really_sends(visitor: FlaskClient) -> None:
    """A request that names an open run is noted, its cookies by their names; no other is."""
    run = opened(visitor)["run"]
    visitor.set_cookie(REFRESH, "secret-value", domain="localhost")
    forged = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert visitor.post(f"/auth/refresh?lab_run={run}", headers=forged).status_code == 403
    visitor.post("/auth/refresh", headers=forged)
    visitor.post(f"/auth/refresh?lab_run={'0' * 32}", headers=forged)
    visitor.post("/auth/refresh?lab_run=x", headers=forged)
    [seen] = visitor.get(f"/lab/browser/{run}").get_json()["seen"]
    assert (seen["method"], seen["path"], seen["mode"]) == ("POST", "/auth/refresh", "navigate")
    assert (seen["cookies"], seen["set_cookies"], seen["status"]) == ([REFRESH], [], 403)
    assert f"Cookie: {REFRESH}=…" in seen["request"]
    assert "cross_origin" in seen["answer"]
    assert "secret-value" not in json.dumps(seen)


def test_what_was_seen_is_few_and_short(visitor: FlaskClient) -> None:
    """Of too many the first are forgotten; one that is too long is refused."""
    run = opened(visitor)["run"]
    said = f"/lab/attacker-site/said?lab_run={run}"
    assert visitor.post(said, data=json.dumps({"from": "attacker"})).status_code == 204
    first, _ = visitor.get(f"/lab/browser/{run}").get_json()["seen"]
    assert first == {"kind": "said", "from": "attacker"}
    for _ in range(MAX_SEEN + 5):
        visitor.get(f"/healthz?lab_run={run}")
    assert len(visitor.get(f"/lab/browser/{run}").get_json()["seen"]) == MAX_SEEN
    assert visitor.post(said, data=json.dumps({"x": "x" * 20_000})).status_code == 413


def test_throwaway_account_of_a_browser(
    app: Flask, visitor: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Erased at the end of its run, and by a later run when there was no end."""
    run = opened(visitor)
    assert addresses(app) == {run["account"]["email"]}
    assert not run["logged_in"]
    token = visitor.post(f"/lab/browser/{run['run']}/token").get_json()["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    assert visitor.get("/api/me", headers=bearer).status_code == 200
    for _ in range(2):
        assert visitor.post(f"/lab/browser/{run['run']}/close").status_code == 204
    assert addresses(app) == set()
    assert visitor.get("/api/me", headers=bearer).status_code == 401
    assert visitor.post(f"/lab/browser/{run['run']}/token").status_code == 404
    assert visitor.get(f"/lab/browser/{run['run']}").get_json()["seen"] == []
    monkeypatch.setattr(lab_runs, "KEPT_SECONDS", -1)
    left = opened(visitor)
    visitor.set_cookie(REFRESH, "x", domain="localhost")
    after = opened(visitor)
    assert after["logged_in"]
    assert addresses(app) == {after["account"]["email"]} != {left["account"]["email"]}
    runs_of = app.extensions[NAME]
    with app.app_context():
        lab_runs.erase("nobody@example.com", runs_of)


def test_weakened_session(visitor: FlaskClient, attacker: FlaskClient) -> None:
    """It is used by whoever makes the browser send its cookie."""
    run = f"lab_run={opened(visitor)['run']}"
    used = visitor.post(f"/lab/attacker-site/weakened/session?{run}").get_json(force=True)["used"]
    cookie = visitor.get_cookie(SESSION, path="/lab/attacker-site/")
    assert cookie is not None
    assert cookie.same_site == "None"
    path = f"/lab/attacker-site/weakened/refresh?{run}"
    assert attacker.post(path).status_code == 204
    answer = visitor.post(f"{path}&then=csrf-on-refresh", headers={"Origin": "null"})
    assert answer.status_code == 303
    assert answer.location.endswith(f"/lab/attacker-site/attacker/csrf-on-refresh?{run}&second")
    now = visitor.get(f"/lab/attacker-site/weakened/whoami?{run}").get_json(force=True)
    assert now == {"name": "", "used": used + 1}


def test_weakened_log_in(visitor: FlaskClient) -> None:
    """It logs in whoever posts the form, and forgets."""
    run = f"lab_run={opened(visitor)['run']}"
    form = {"email": "attacker@example.com"}
    visitor.post(f"/lab/attacker-site/weakened/login?{run}&then=login-csrf", data=form)
    whoami = f"/lab/attacker-site/weakened/whoami?{run}"
    assert visitor.get(whoami).get_json(force=True)["name"] == "attacker@example.com"
    visitor.post(f"/lab/attacker-site/weakened/leave?{run}")
    assert visitor.get_cookie(LOGIN, path="/lab/attacker-site/") is None
    assert visitor.get(whoami).get_json(force=True)["name"] == ""


def test_code_that_speaks_is_there() -> None:
    """What a browser's run names as the line of defense is where it says."""
    source = (STATIC / "browser.js").read_text(encoding="utf-8")
    named = re.findall(r"= '((?:app|static)/[^']+:[^']+)';", source)
    assert len(named) >= 6
    for reference in named:
        assert is_there(reference), reference


def test_log_is_copied_once(app: Flask, settings: Settings) -> None:
    """However often the app is built in one process."""
    log_copy.keep(settings)
    log_copy.keep(settings)
    path = log_copy.begin(settings)
    with app.app_context():
        services().audit.record("something")
    assert path.read_text(encoding="utf-8").count("something") == 1
