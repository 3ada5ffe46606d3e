"""Attacks by a program, on this server and on a weakened instance, streamed as they happen."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import RedisError

from app.attacks.attacked_account import Account
from app.attacks.record import Record
from app.attacks.registry import ATTACKS
from app.attacks.run import Run
from app.attacks.run import run as run_attack
from app.attacks.target import Target
from app.dev.lab import all_runs, finished_runs, live, log_copy, sides
from app.dev.lab.choices import choices_of
from app.dev.lab.finished_runs import FinishedRuns, without
from app.dev.lab.run_endpoints import finished_runs as current_finished_runs
from app.dev.lab.run_store import BUSY_SECONDS, RunStore
from app.dev.lab.weakened import variants_of
from app.dev.lab.weakened_instance import InstanceError
from app.services import redis_prefix, services
from config import Settings
from tests.http.lab.visits import addresses, collected, events, lab_store, ran

VERDICTS = [("here", "held"), ("weakened", "got_through")]


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize("slug", ["refresh-token-theft", "log-leaks"])
def test_here_it_holds_and_there_it_gets_through(
    app: Flask, visitor: FlaskClient, slug: str
) -> None:
    answer = visitor.post(f"/lab/{slug}/run")
    first, *rest = events(answer)
    assert (answer.status_code, answer.mimetype) == (200, "application/x-ndjson")
    assert first == {"slug": slug, "variant": variants_of(slug)[0].name}
    ends = [event for event in rest if "verdict" in event]
    assert [(end["side"], end["verdict"]) for end in ends] == VERDICTS
    assert ends[0]["why"] == ""
    kinds = {event["step"]["kind"] for event in rest if "step" in event}
    assert kinds == {"said", "exchange", "finding"}
    assert not re.search(r"eyJ[\w-]+\.[\w-]+\.", answer.get_data(as_text=True))
    assert addresses(app) == set()


@pytest.mark.usefixtures("served")
def test_families_are_told_apart(visitor: FlaskClient) -> None:
    """The picture shows whose token each is; a spent one that comes again ends its family."""
    nodes = ran(visitor, "refresh-token-theft")["here"]["picture"]
    families = [[node for node in nodes if node["family"] == one] for one in (1, 2, 3)]
    assert sum(map(len, families)) == len(nodes)
    states = [[node["state"] for node in family] for family in families]
    assert ["reused", "dead"] in states
    assert ["current"] in states


@pytest.mark.usefixtures("served")
def test_a_step_is_sent_before_the_next_one(
    visitor: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stream goes on while the attack does, which waits here after each request."""
    sent: list[float] = []
    real = Target.send

    def slowly(*args: Any) -> Any:  # noqa: ANN401 - whatever it returns
        sent.append(time.monotonic())
        answer = real(*args)
        time.sleep(0.05)
        return answer

    monkeypatch.setattr(Target, "send", slowly)
    answer = visitor.post("/lab/hostile-host/run", buffered=False)
    came = [time.monotonic() for line in answer.response if '"exchange"' in _text(line)]
    assert len(came) > 3
    assert came[0] < sent[2]


def _text(line: bytes | str) -> str:
    return line.decode() if isinstance(line, bytes) else line


@pytest.mark.usefixtures("served")
def test_nobody_waits_any_more(
    app: Flask, visitor: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the client leaves, the attack ends at its next step, and its account is erased."""
    began: list[str] = []
    real = run_attack

    def noted(slug: str, *args: Any) -> Any:  # noqa: ANN401 - whatever it returns
        began.append(slug)
        return real(slug, *args)

    monkeypatch.setattr("app.dev.lab.sides.run", noted)
    answer = visitor.post("/lab/refresh-token-theft/run", buffered=False)
    next(iter(answer.response))
    answer.close()
    with alone_at_last(app):
        assert addresses(app) == set()
    assert len(began) <= 1


@contextmanager
def alone_at_last(app: Flask) -> Iterator[None]:
    """Wait until no attack runs, which is when the lock is free."""
    for _ in range(400):
        with lab_store(app).alone() as mine:
            if mine:
                yield
                return
        time.sleep(0.05)
    raise AssertionError("the attack goes on")


def test_one_at_a_time(app: Flask, visitor: FlaskClient) -> None:
    """The second is told to come back; the lock goes by itself when a run takes too long."""
    with lab_store(app).alone() as mine:
        assert mine
        for path in ("/lab/replay/run", "/lab/run-all"):
            answer = visitor.post(path)
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
    def fails(*_: object) -> Any:  # noqa: ANN401 - never returns
        raise InstanceError("it says nothing")

    monkeypatch.setattr(sides, "weakened_instance", fails)
    run = ran(visitor, "replay")
    assert (run["here"]["verdict"], run["here"]["steps"]) == ("inconclusive", [])
    there = run["weakened"]
    assert (there["verdict"], there["why"]) == ("inconclusive", "it says nothing")
    with monkeypatch.context() as patch:
        patch.setattr(sides, "own_url", lambda _: "http://192.0.2.7")
        here = ran(visitor, "replay")["here"]
        assert here["verdict"] == "inconclusive"
        assert "loopback" in here["why"]

    def lost(_: RunStore) -> Any:  # noqa: ANN401 - never returns
        raise RedisError

    monkeypatch.setattr(RunStore, "alone", lost)
    answer = visitor.post("/lab/replay/run")
    assert (answer.status_code, answer.get_json()["code"]) == (503, "unavailable")
    assert addresses(app) == set()


def test_a_run_that_breaks_off_says_so(
    visitor: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> Any:  # noqa: ANN401 - never returns
        raise RuntimeError("a fault in the lab")

    monkeypatch.setattr(sides, "throwaway", fails)
    monkeypatch.setattr(live.logger, "handlers", [caplog.handler])
    assert events(visitor.post("/lab/replay/run"))[-1] == {"failed": live.BROKEN}
    assert "a fault in the lab" in caplog.text


@pytest.mark.usefixtures("served")
def test_the_line_that_is_chosen_is_taken_out(visitor: FlaskClient) -> None:
    """Without another line the attack is really run, and blocked; a line of no choice is none."""
    slug = "unvalidated-audience"
    own = variants_of(slug)[0].name
    page = visitor.get(f"/lab/{slug}").get_data(as_text=True)
    for choice in choices_of(slug):
        assert f'value="{choice.variant}"' in page
        run = ran(visitor, slug, without=choice.variant)
        assert run["variant"] == choice.variant
        assert run["weakened"]["verdict"] == ("got_through" if choice.variant == own else "held")
    for name in ("refreshing-does-not-rotate", "", "nothing"):
        assert visitor.post(f"/lab/{slug}/run?without={name}").status_code == 400


@pytest.mark.usefixtures("served")
def test_all_at_once(app: Flask, visitor: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each attack on each side; the accounts are erased."""
    slugs = ["hostile-host", "unvalidated-audience", "cross-type-tokens"]
    monkeypatch.setattr(all_runs, "ATTACKS", slugs)
    first, *verdicts, last = events(visitor.post("/lab/run-all"))
    assert (first, last) == ({"attacks": len(slugs)}, {"done": True})
    told = {(one["slug"], one["side"]): one["verdict"] for one in verdicts}
    assert len(told) == len(verdicts)
    assert told == {(slug, side): verdict for slug in slugs for side, verdict in VERDICTS}
    assert addresses(app) == set()


def test_who_logs_in_often_has_an_account_of_its_own(
    visitor: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: dict[str, Account | None] = {}

    def noted(self: sides.Sides, brought: Account | None = None) -> Run:
        used[self.slug] = brought
        return Run(self.slug, "held", Record(), 0)

    def nothing(self: sides.Sides, *_: object) -> Run:
        return Run(self.slug, "got_through", Record(), 0)

    monkeypatch.setattr(sides.Sides, "here", noted)
    monkeypatch.setattr(sides.Sides, "weakened", nothing)
    assert len(events(visitor.post("/lab/run-all"))) == 2 + 2 * len(ATTACKS)
    assert {slug for slug, brought in used.items() if brought is None} == {"log-in-starvation"}
    assert len({id(brought) for brought in used.values()}) == 1 + all_runs.ACCOUNTS


def test_the_slowest_begin_first() -> None:
    by_time = sorted(ATTACKS, key=all_runs.slowest_first)
    assert tuple(by_time[: len(all_runs.SLOWEST)]) == all_runs.SLOWEST
    assert set(by_time) == set(ATTACKS)


@pytest.mark.usefixtures("served")
def test_one_of_all_that_breaks_off_ends_the_others(
    visitor: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    began: list[str] = []

    def fails(self: sides.Sides, *_: object) -> Any:  # noqa: ANN401 - never returns
        began.append(self.slug)
        raise RuntimeError("a fault in the lab")

    monkeypatch.setattr(sides.Sides, "here", fails)
    monkeypatch.setattr(sides.Sides, "weakened", fails)
    monkeypatch.setattr(all_runs, "LANES", 1)
    assert events(visitor.post("/lab/run-all"))[-1] == {"failed": live.BROKEN}
    assert len(began) < 2 * len(ATTACKS)


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize(
    "slug",
    [
        "refresh-token-theft",
        "sidejacking",
        "password-change-keeps-sessions",
        "scanned-links",
        "stale-links",
        "log-leaks",
        "tokens-in-localstorage",
        "swallowed-cookie",
    ],
)
def test_a_finished_run_has_an_address(
    app: Flask, visitor: FlaskClient, slug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has it sees the run, and none of the credentials that it was given or got."""
    given: list[str] = []
    seen: set[str] = set()
    real_run, real_account = run_attack, Account.__setattr__

    def noted(*args: Any) -> Any:  # noqa: ANN401 - whatever it returns
        done = real_run(*args)
        seen.update(done.record.secrets)
        return done

    def set_noted(self: Account, name: str, value: object) -> None:
        if name == "password":
            given.append(str(value))
        real_account(self, name, value)

    monkeypatch.setattr("app.dev.lab.sides.run", noted)
    monkeypatch.setattr(Account, "__setattr__", set_noted)
    monkeypatch.setattr(finished_runs, "without", lambda text, _: text)  # redaction alone
    answer = visitor.post(f"/lab/{slug}/run")
    name = events(answer)[-1]["run"]
    page = visitor.get(f"/lab/runs/{name}")
    steps = visitor.get(f"/lab/runs/{name}/steps")
    assert (page.status_code, steps.status_code) == (200, 200)
    assert f'data-run="{name}"' in page.get_data(as_text=True)
    run = steps.get_json()
    assert run["slug"] == slug
    assert run == {key: value for key, value in collected(events(answer)).items() if key in run}
    credentials = seen | set(given)
    assert len(credentials) > 3
    with app.app_context():
        kept = json.dumps(current_finished_runs().find(name))
    for credential in credentials:
        for text in (answer.get_data(as_text=True), kept):
            assert credential not in text


def test_credentials_in_unexpected_places(app: Flask) -> None:
    assert without("a secret and a b.c", {"secret", "b.c", ""}) == "a … and a …"
    with app.app_context():
        finished = current_finished_runs()
        name = finished.keep({"slug": "replay", "why": "secret"}, {"secret"})
        assert finished.find(name) == {"slug": "replay", "why": "\u2026"}


def test_finished_runs_are_few_and_go(
    app: Flask, visitor: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finished_runs, "MAX_KEPT", 2)
    with app.app_context():
        finished: FinishedRuns = current_finished_runs()
        names = [finished.keep({"number": number}, ()) for number in range(3)]
        assert [finished.find(name) for name in names] == [None, {"number": 1}, {"number": 2}]
        prefix = f"{redis_prefix(services().settings)}lab:finished"
        for key in (prefix, f"{prefix}:{names[2]}"):
            assert 0 < services().redis.ttl(key) <= finished_runs.KEPT_SECONDS
        assert services().redis.llen(prefix) == 2
    for path in (names[0], "0" * 16, "nothing"):
        assert visitor.get(f"/lab/runs/{path}").status_code == 404
        assert visitor.get(f"/lab/runs/{path}/steps").status_code == 404


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
    assert sides.own_url(replace(settings, host=host, port=8000)) == url


def test_log_is_copied_once(app: Flask, settings: Settings) -> None:
    log_copy.keep(settings)
    log_copy.keep(settings)
    path = log_copy.begin(settings)
    with app.app_context():
        services().audit.record("something")
    assert path.read_text(encoding="utf-8").count("something") == 1
