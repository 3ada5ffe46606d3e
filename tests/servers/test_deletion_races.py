"""The account is deleted while others act on it, on four workers: nothing of it is left.

Whatever comes first, no answer is a fault of the server, and nobody gets in afterwards.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Final

import pytest
from werkzeug.test import TestResponse

from app.accounts import queries as accounts
from app.auth import admin
from app.auth.dependencies import Auth
from app.infra.clock import Clock
from app.mail.models import Kind
from app.services import Services, build
from tests.support.at_once import at_once
from tests.support.client import ALL_WORKERS, NEW_PASSWORD, PASSWORD, Client, pair, program
from tests.support.derived_links import the_link
from tests.support.servers.gunicorn import GunicornServer
from tests.support.servers.valkey import ValkeyServer
from tests.support.traces import traces

ROUNDS: Final = 1
ACTORS: Final = 5
NUMBER: Final = count()


@dataclass
class Scene:
    """An account with two sessions, a link to choose a password, and a theft to dismiss."""

    wire: Client
    auth: Auth

    def __post_init__(self) -> None:
        self.access, self.refresh = pair(self.wire.log_in())
        self.own, self.spent = pair(self.wire.log_in())
        self.current = pair(self.wire.refresh(self.spent))[1]
        _, stolen = pair(self.wire.log_in())
        at_once(2, lambda _: self.wire.refresh(stolen))
        (theft,) = self.wire.ask("GET", "/auth/thefts", access=self.own).get_json()["thefts"]
        self.theft = theft["id"]
        self.user = admin.find_user(self.auth, self.wire.email)
        self.link = admin.reset_token(self.auth, self.user)
        assert self.ask_for(f"new-{self.wire.email}").status_code == 202
        self.email_link = the_link(self.wire.server, Kind.NEW_EMAIL, self.user.id)

    def ask_for(self, email: str) -> TestResponse:
        return self.wire.ask("POST", "/auth/email", {"email": email}, access=self.own)

    def delete(self) -> TestResponse:
        return self.wire.ask("DELETE", "/auth/account", access=self.own)


Act = Callable[[Scene], TestResponse]
ACTS: Final[dict[str, Act]] = {
    "refresh": lambda scene: scene.wire.refresh(scene.refresh),
    "reuse": lambda scene: scene.wire.refresh(scene.spent),
    "log-in": lambda scene: scene.wire.log_in(),
    "wrong-log-in": lambda scene: scene.wire.log_in("wrong wrong wrong"),
    "password": lambda scene: scene.wire.ask(
        "POST",
        "/auth/password",
        {"current_password": PASSWORD, "new_password": NEW_PASSWORD},
        access=scene.access,
    ),
    "wrong-password": lambda scene: scene.wire.ask(
        "POST", "/auth/reauthenticate", {"password": "wrong wrong"}, access=scene.access
    ),
    "reauthenticate": lambda scene: scene.wire.ask(
        "POST", "/auth/reauthenticate", {"password": PASSWORD}, access=scene.access
    ),
    "reset": lambda scene: scene.wire.ask("POST", "/auth/reset", {"email": scene.wire.email}),
    "reset-finish": lambda scene: scene.wire.ask(
        "POST", "/auth/reset/finish", {"token": scene.link, "password": NEW_PASSWORD}
    ),
    "register": lambda scene: scene.wire.ask(
        "POST", "/auth/register", {"email": scene.wire.email}
    ),
    "email": lambda scene: scene.ask_for(f"other-{scene.wire.email}"),
    "email-confirm": lambda scene: scene.wire.ask(
        "POST", "/auth/email/confirm", {"token": scene.email_link}
    ),
    "log-out": lambda scene: scene.wire.ask("POST", "/auth/logout", cookie=scene.current),
    "log-out-everywhere": lambda scene: scene.wire.ask(
        "POST", "/auth/logout-everywhere", access=scene.access
    ),
    "dismiss": lambda scene: scene.wire.ask(
        "DELETE", f"/auth/thefts/{scene.theft}", access=scene.access
    ),
    "export": lambda scene: scene.wire.ask("GET", "/auth/export", access=scene.own),
    "delete": Scene.delete,
}


@pytest.fixture
def own(server: GunicornServer, valkey: ValkeyServer) -> Iterator[Services]:
    """The parts of a further process of the deployment: an operator's."""
    assert valkey.answers()
    found = build(server.settings, Clock())
    yield found
    found.database.engine.dispose()
    found.redis.close()


@pytest.fixture
def scene(server: GunicornServer, own: Services) -> Callable[[], Scene]:
    """A function that opens an account."""

    def make() -> Scene:
        wire = program(server, f"{next(NUMBER)}@example.com")
        wire.create_account()
        return Scene(wire, own.auth)

    return make


def gone(scene: Scene, own: Services, *, but_for: set[str]) -> None:
    """Check that nothing names the account, and nothing but messages its address."""
    assert own.database.read(accounts.find, scene.user.id) is None
    assert traces(own.database, scene.user.id) == []
    assert {one.partition(":")[0] for one in traces(own.database, scene.wire.email)} == but_for
    for access in (scene.access, scene.own):
        # Unlike /api/me, this answers without a row of the account.
        asked = [
            scene.wire.ask("GET", "/auth/sessions", access=access) for _ in range(ALL_WORKERS)
        ]
        assert {answer.status_code for answer in asked} == {401}
    assert scene.wire.refresh(scene.refresh).status_code == 401


def sound(answers: list[TestResponse], log: str) -> None:
    """Check that no answer is a fault, and that the log has none."""
    for answer in answers:
        body = answer.get_json(silent=True) or {}
        busy = answer.status_code == 503 and body.get("code") == "busy"
        assert answer.status_code < 500 or busy, (answer.status_code, body)
    lines = (json.loads(line) for line in log.splitlines() if line.startswith("{"))
    assert [line for line in lines if line.get("level") in {"ERROR", "CRITICAL"}] == []


@pytest.mark.parametrize("name", sorted(ACTS))
def test_of_the_account_nothing_is_left(
    scene: Callable[[], Scene], own: Services, name: str
) -> None:
    """When the deletion did not win, because the session ended first, it is done afterwards."""
    for _ in range(ROUNDS):
        stage = scene()
        act = ACTS[name]
        deleted, *answers = at_once(
            1 + ACTORS,
            lambda number, act=act, stage=stage: act(stage) if number else stage.delete(),  # type: ignore[misc]
        )
        sound([deleted, *answers], stage.wire.server.log)
        assert deleted.status_code in {204, 401}
        if own.database.read(accounts.find, stage.user.id):
            assert deleted.status_code == 401
            admin.delete(own.auth, stage.user)
        gone(stage, own, but_for={"mails.address"})


def test_of_twenty_deletions_one_wins(scene: Callable[[], Scene], own: Services) -> None:
    stage = scene()
    answers = at_once(20, lambda _: stage.delete())
    sound(answers, stage.wire.server.log)
    assert sorted(answer.status_code for answer in answers) == [204] + [401] * 19
    gone(stage, own, but_for={"mails.address"})
    lines = [line for line in stage.wire.server.log.splitlines() if stage.user.id in line]
    assert len([line for line in lines if '"account_deleted"' in line]) == 1


def test_everything_at_once(scene: Callable[[], Scene], own: Services) -> None:
    for _ in range(ROUNDS):
        stage, acts = scene(), sorted(ACTS.values(), key=id)
        answers = at_once(2 * len(acts), lambda n, s=stage, a=acts: a[n % len(a)](s))  # type: ignore[misc]
        sound(answers, stage.wire.server.log)
        if own.database.read(accounts.find, stage.user.id):
            admin.delete(own.auth, stage.user)
        gone(stage, own, but_for={"mails.address"})


def test_sessions_are_revoked_of_all_while_one_is_deleted(
    scene: Callable[[], Scene], own: Services
) -> None:
    """An operator's command tells each account afterwards, and not those that are gone."""
    for _ in range(ROUNDS):
        stage = scene()
        revoked, deleted = at_once(
            2,
            lambda number, stage=stage: (  # type: ignore[misc]
                admin.delete(own.auth, stage.user)
                if number
                else admin.revoke_sessions(own.auth, None)
            ),
        )
        assert revoked[1]
        assert deleted[1]
        gone(stage, own, but_for={"mails.address"})
