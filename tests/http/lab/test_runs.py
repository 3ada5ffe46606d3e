"""Attacks by a program, on this server and on a weakened instance."""

import re
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import RedisError

from app.dev.lab import log_copy, sides
from app.dev.lab.run_store import BUSY_SECONDS, RunStore
from app.dev.lab.weakened_instance import InstanceError
from app.services import redis_prefix, services
from config import Settings
from tests.http.lab.visits import addresses, lab_store


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize("slug", ["refresh-token-theft", "log-leaks"])
def test_here_it_holds(app: Flask, visitor: FlaskClient, slug: str) -> None:
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
    answer = visitor.post("/lab/replay/run?side=here").get_json()
    assert (answer["verdict"], answer["steps"]) == ("inconclusive", [])
    with monkeypatch.context() as patch:
        patch.setattr(sides, "own_url", lambda _: "http://192.0.2.7")
        answer = visitor.post("/lab/replay/run?side=here").get_json()
        assert answer["verdict"] == "inconclusive"
        assert "loopback" in answer["why"]

    def fails(*_: object) -> Any:  # noqa: ANN401 - never returns
        raise InstanceError("it says nothing")

    with monkeypatch.context() as patch:
        patch.setattr(sides, "weakened_instance", fails)
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
    assert sides.own_url(replace(settings, host=host, port=8000)) == url


def test_log_is_copied_once(app: Flask, settings: Settings) -> None:
    log_copy.keep(settings)
    log_copy.keep(settings)
    path = log_copy.begin(settings)
    with app.app_context():
        services().audit.record("something")
    assert path.read_text(encoding="utf-8").count("something") == 1
