"""`flask attack` against a real deployment: what it says, what it leaves, what it refuses."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask.cli import FlaskGroup

from app import create_app
from app.attacks.recorded_target import MAX_WAIT_SECONDS
from app.attacks.registry import ATTACKS
from config import new_secret
from tests.support.accounts import create_account
from tests.support.app import close
from tests.support.client import EMAIL, PASSWORD, program
from tests.support.processes import free_port
from tests.support.servers.gunicorn import GunicornServer
from tests.support.servers.valkey import ValkeyServer

QUICK = ("csrf-on-refresh", "trusting-alg")


@pytest.fixture(scope="module")
def target(
    deployed: Callable[[], AbstractContextManager[GunicornServer]],
) -> Iterator[GunicornServer]:
    """One deployment for all: attacks leave nothing behind."""
    with deployed() as server:
        yield server


@pytest.fixture(scope="module")
def app(target: GunicornServer) -> Iterator[Flask]:
    """The application of the command line, with the deployment's own settings."""
    app = create_app(target.settings)
    yield app
    close(app)


@pytest.fixture(scope="module")
def owner(target: GunicornServer) -> tuple[str, ...]:
    """The options that name an account of one's own."""
    create_account(target, EMAIL, PASSWORD)
    return ("--email", EMAIL, "--password", PASSWORD)


@pytest.fixture
def attack(app: Flask) -> Callable[..., Result]:
    """What an operator types after `flask --app wsgi attack`."""
    return lambda *words, **more: typed(app, *words, **more)


def typed(app: Flask, *words: str, **more: Any) -> Result:  # noqa: ANN401 - click's own
    """Run the command on an application."""
    group = FlaskGroup(create_app=lambda: app, load_dotenv=False)
    return CliRunner().invoke(group, ("attack", *words), prog_name="flask", **more)


def only(*slugs: str) -> list[str]:
    """Spell which attacks are to be run."""
    return [word for slug in slugs for word in ("--only", slug)]


def test_one_address_for_all_attacks_raises_no_false_alarm(
    target: GunicornServer,
    attack: Callable[..., Result],
    valkey_server: ValkeyServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As through PUBLIC_URL: what the spraying used up is waited for, and the flood is judged.

    The minute passes at once: what time does to a window, the test does to its counters.
    """
    waited: list[float] = []

    def pass_by(seconds: float) -> None:
        waited.append(seconds)
        counters = list(valkey_server.client.scan_iter("latchkey:*throttle*"))
        valkey_server.client.delete(*counters)

    monkeypatch.setattr("app.attacks.target.Target.another_address", lambda _self: "")
    monkeypatch.setattr("app.attacks.recorded_target.time", SimpleNamespace(sleep=pass_by))
    slugs = (
        "slow-requests",
        "password-spraying",
        "hashing-floods",
        "log-in-starvation",
        "xss-token-theft",
        "account-enumeration",
    )
    done = attack(target.url, "--json", *only(*slugs))
    runs = json.loads(done.stdout)["attacks"]
    assert [(run["slug"], run["verdict"], run["why"]) for run in runs if run["why"]] == []
    assert {run["verdict"] for run in runs} == {"held"}
    assert waited
    assert max(waited) <= MAX_WAIT_SECONDS
    pass_by(0)  # the next test has the same address


def test_table(target: GunicornServer, attack: Callable[..., Result]) -> None:
    """A line for each attack, a sum at the end, and success."""
    done = attack(target.url, *only(*QUICK))
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines[:2]] == ["held", "held"]
    assert "CSRF on the refresh endpoint" in lines[0]
    assert lines[2] == "2 attacks: 2 held."
    assert "Attacking" in done.stderr  # the progress bar, out of the table's way


def test_json(target: GunicornServer, attack: Callable[..., Result]) -> None:
    """Standard output is one JSON document, without a credential that works."""
    done = attack(target.url, "--json", *only("replay", "log-leaks"))
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert (told["target"], told["held"]) == (target.url, True)
    first, second = told["attacks"]
    assert (first["slug"], first["name"]) == ("replay", "Replay of a captured token")
    assert {step["kind"] for step in first["steps"]} == {"said", "exchange", "finding"}
    assert second["verdict"] == "skipped"
    assert "--log" in second["why"]
    spelled = [word for word in done.stdout.split() if word.count(".") == 2 and "eyJ" in word]
    assert not spelled


def test_log(target: GunicornServer, attack: Callable[..., Result]) -> None:
    """With the log at hand it is searched."""
    log = ("--log", str(target.log_file))
    done = attack(target.url, *log, *only("log-leaks"))
    assert done.exit_code == 0
    assert "1 held" in done.stdout


@contextmanager
def leaking(log: Path) -> Iterator[None]:
    """Have a careless line of code write the password again and again."""
    over = threading.Event()

    def leak() -> None:
        while not over.wait(0.01):
            with log.open("a", encoding="utf-8") as file:
                file.write(f"{PASSWORD}\n")

    careless = threading.Thread(target=leak)
    careless.start()
    yield
    over.set()
    careless.join()


def test_leaky_log(
    target: GunicornServer, attack: Callable[..., Result], owner: tuple[str, ...]
) -> None:
    """A log with the password in it is found out, and so is a file that is not the log."""
    log, word = target.log_file, "log-leaks"
    with leaking(log):
        leaky = attack(target.url, "--log", str(log), *owner, *only(word))
    assert leaky.exit_code == 1
    assert "GOT THROUGH" in leaky.stdout
    assert PASSWORD not in leaky.output
    other = log.with_name("other.log")
    other.write_text("nothing")
    wrong = attack(target.url, "--log", str(other), *owner, *only(word))
    assert wrong.exit_code == 1
    assert "it is not the log" in wrong.stdout


def test_throwaway_account_is_erased(
    target: GunicornServer, attack: Callable[..., Result], app: Flask
) -> None:
    """Nobody's data is touched and nothing is left behind."""
    assert attack(target.url, *only("csrf-on-refresh")).exit_code == 0
    with app.extensions["latchkey"].database.autocommit() as connection:
        emails = connection.exec_driver_sql("SELECT email FROM users").scalars().all()
        alive = connection.exec_driver_sql(
            "SELECT count(*) FROM families JOIN users ON users.id = user_id"
            " WHERE revoked_at IS NULL AND disabled_at IS NOT NULL"
        ).scalar()
    assert not [email for email in emails if email and email.startswith("attack-")]
    assert alive == 0


def test_own_account_keeps_its_password(
    target: GunicornServer, attack: Callable[..., Result], owner: tuple[str, ...]
) -> None:
    """Also after the attack that changes it; the password is asked for when it is not given."""
    change = only("password-change-keeps-sessions")
    done = attack(target.url, *owner[:2], *change, input=f"{PASSWORD}\n")
    assert done.exit_code == 0, done.output
    log_in = {"email": EMAIL, "password": PASSWORD}
    assert program(target).ask("POST", "/auth/login", log_in).status_code == 200


def test_wrong_password_proves_nothing(
    target: GunicornServer, attack: Callable[..., Result]
) -> None:
    """An attack that could not be carried out is no success."""
    done = attack(target.url, "--email", EMAIL, "--password", "wrong", *only("csrf-on-refresh"))
    assert done.exit_code == 1
    assert "INCONCLUSIVE" in done.stdout
    assert "owner could not log in: 401 invalid_credentials" in done.stdout


def test_other_settings_prove_nothing(target: GunicornServer) -> None:
    """Forged with another deployment's key, everything would be refused for that alone."""
    other = replace(target.settings, jwt_secret=new_secret().encode())
    app = create_app(other)
    done = typed(app, target.url, *only("unvalidated-audience"))
    close(app)
    assert done.exit_code == 1
    assert "run with its own settings" in done.stdout


@pytest.mark.parametrize(
    "url",
    [
        "http://192.0.2.1",
        "https://localhost.invalid",
        "http://localhost@192.0.2.1:8000",
        "http://user@127.0.0.1:8000",
        "ftp://127.0.0.1",
        "http://0.0.0.0:8000",
        "http://127.0.0.1:port",
        "127.0.0.1:8000",
        "",
    ],
)
def test_others_are_not_attacked(attack: Callable[..., Result], url: str) -> None:
    """Only this machine's loopback and the deployment's own address."""
    done = attack(url)
    assert done.exit_code == 2
    assert "is not yours to attack" in done.stderr


def test_nothing_answers(attack: Callable[..., Result]) -> None:
    """One sentence."""
    done = attack(f"http://127.0.0.1:{free_port()}")
    assert done.exit_code == 1
    assert "Nothing answers at" in done.stderr


def test_something_else_answers(attack: Callable[..., Result]) -> None:
    """Another server's answers would look like refusals."""
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    done = attack(f"http://127.0.0.1:{server.server_port}")
    thread.join()
    server.server_close()
    assert done.exit_code == 1
    assert "this is not Latchkey" in done.stderr


def test_every_attack_can_be_named(attack: Callable[..., Result]) -> None:
    """The help lists them."""
    text = attack("--help").stdout
    assert all(slug in text.replace("\n", "").replace(" ", "") for slug in ATTACKS)
