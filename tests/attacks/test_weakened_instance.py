"""A weakened instance shares Redis alone, and ends with the process that started it."""

import os
import signal
import socket
import sys
from dataclasses import replace
from pathlib import Path
from subprocess import PIPE

import psutil
import pytest

from app.dev.lab import weakened_instance as module
from app.dev.lab.forked_instance import ForkedInstance
from app.dev.lab.weakened_instance import InstanceError, weakened_instance
from config import ROOT, Settings
from tests.attacks.attacker import attack
from tests.support.processes import end, spawn, survivors
from tests.support.servers.valkey import ValkeyServer

PARENT = """
import signal
from app.dev.lab.weakened_instance import weakened_instance
from config import Settings
with weakened_instance("", Settings.from_env()) as target:
    print(target.url, target.log, flush=True)
    signal.pause()
"""


def listens(url: str) -> bool:
    with socket.socket() as link:
        return link.connect_ex(("127.0.0.1", int(url.rpartition(":")[2]))) == 0


def instances_of(pid: int) -> set[psutil.Process]:
    children = psutil.Process(pid).children()
    return {child for child in children if module.PROCESS in child.cmdline()}


@pytest.fixture
def others() -> set[psutil.Process]:
    """Return the instances that ran before: the sound one of the test session, if any."""
    return instances_of(os.getpid())


def test_it_is_a_deployment_of_its_own(running: Settings, others: set[psutil.Process]) -> None:
    with weakened_instance("", running) as one, weakened_instance("", running) as other:
        assert listens(one.url)
        assert one.settings.public_url == one.url
        assert one.settings.env == "testing"
        for name in ("jwt_secret", "secret_key", "database_url", "public_url"):
            assert len({getattr(s, name) for s in (one.settings, other.settings, running)}) == 3
        folder = one.log and one.log.parent
        assert len(instances_of(os.getpid()) - others) == 2
    assert not listens(one.url)
    assert folder
    assert not folder.exists()
    assert instances_of(os.getpid()) == others


def test_it_leaves_the_redis_of_others_alone(running: Settings, valkey: ValkeyServer) -> None:
    """What it writes is named after the environment `testing`, which nothing real is."""
    theirs = "latchkey:{development.0123456789ab}:denylist-complete"
    valkey.client.set(theirs, "1")
    with weakened_instance("", running) as target:
        assert attack(target, "denylist-loss").verdict == "held"
    keys = set(valkey.client.scan_iter())
    assert theirs in keys
    assert len(keys) > 1
    for key in keys - {theirs}:
        assert "latchkey:{testing." in key


def test_it_ends_with_whoever_started_it(
    running: Settings, base_environment: dict[str, str], tmp_path: Path
) -> None:
    """Killed without a chance to tidy up: the instance sees its input end, and leaves no trace."""
    own = {"TMPDIR": str(tmp_path), "REDIS_URL": running.redis_url}
    own["DATABASE_URL"] = f"sqlite:///{tmp_path}/latchkey.db"
    parent = spawn(
        [sys.executable, "-c", PARENT],
        cwd=ROOT,
        env=os.environ | base_environment | own,
        stdout=PIPE,
    )
    assert parent.stdout
    with parent.stdout as said:
        url = said.readline().decode().partition(" ")[0]
        assert listens(url)
        (process,) = instances_of(parent.pid)
        assert list(tmp_path.glob("latchkey-weakened-*/latchkey.db"))
        end(parent, signal.SIGKILL)
    left = survivors([process])
    for one in left:
        one.kill()
    assert not left
    assert not listens(url)
    assert not list(tmp_path.glob("latchkey-weakened-*"))


def test_one_that_does_not_end_is_killed(
    running: Settings, others: set[psutil.Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STOP_SECONDS", 0.1)
    with weakened_instance("", running) as target:
        (process,) = instances_of(os.getpid()) - others
        process.suspend()
    assert not process.is_running()
    assert target.log
    assert not target.log.parent.exists()


def test_a_forked_one_that_does_not_end_is_killed(
    running: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no time to end here, so that it is killed on its way."""
    with weakened_instance("", running, ForkedInstance) as target:
        assert listens(target.url)
        monkeypatch.setattr(module, "STOP_SECONDS", 0)
    assert not listens(target.url)
    assert target.log
    assert not target.log.parent.exists()


def test_one_that_cannot_start_says_why(
    running: Settings, others: set[psutil.Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        pytest.raises(InstanceError, match="no weakened variant “nothing”"),
        weakened_instance("nothing", running),
    ):
        pass
    nowhere = replace(running, redis_url="nowhere")
    with (
        pytest.raises(InstanceError, match="REDIS_URL is not a Redis URL"),
        weakened_instance("", nowhere),
    ):
        pass
    monkeypatch.setattr(module, "START_SECONDS", 0)
    with pytest.raises(InstanceError, match="says nothing"), weakened_instance("", running):
        pass
    assert instances_of(os.getpid()) == others
