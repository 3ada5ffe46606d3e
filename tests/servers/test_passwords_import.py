"""`flask passwords import` as a process, and the servers that use its filter."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from app.accounts.breached_passwords import BreachedPasswords
from config import ROOT
from tests.support.breaches import filter_of, list_of
from tests.support.client import PASSWORD, member
from tests.support.processes import wait_until
from tests.support.servers.gunicorn import GunicornServer

FORMER = "the only one before"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Which database it is makes no difference here."""
    return sqlite_url


@pytest.fixture
def environment(environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    folder = tmp_path / "filters"
    folder.mkdir()
    return environment | {"BREACHED_PASSWORDS": str(filter_of(folder, FORMER))}


def importing(environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start an import from standard input, into the filter of the environment."""
    return subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", "passwords", "import", "-"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "FLASK_SKIP_DOTENV": "1"} | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def test_running_workers_use_what_is_imported(
    serve: Callable[..., GunicornServer], environment: dict[str, str]
) -> None:
    """Every one of them, from the next log-in on. The list comes from standard input."""
    server = serve(environment)
    ada = member(server)
    assert all("password_breached" not in ada.log_in().get_json() for _ in range(8))
    said, _ = importing(environment).communicate(list_of(PASSWORD))
    assert said.decode().startswith("1 passwords are in ")
    assert all(ada.log_in().get_json()["password_breached"] for _ in range(8))


def test_a_killed_import_leaves_the_former_filter_alone(environment: dict[str, str]) -> None:
    """SIGKILL while the list is read: no other file is left."""
    path = Path(environment["BREACHED_PASSWORDS"])
    process = importing(environment)
    assert process.stdin
    process.stdin.write(list_of(*(f"a password {number}" for number in range(200_000))))
    process.stdin.flush()
    process_seen = psutil.Process(process.pid)
    wait_until(lambda: process_seen.num_fds() > 100, what="its temporary files")
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    process.stdin.close()
    process.stdout.close()  # type: ignore[union-attr]  # it is a pipe
    assert list(path.parent.iterdir()) == [path]
    assert BreachedPasswords(path).has(FORMER)


def test_a_server_does_not_start_with_half_a_filter(environment: dict[str, str]) -> None:
    """One sentence, and not one from each worker."""
    path = Path(environment["BREACHED_PASSWORDS"])
    path.write_bytes(path.read_bytes()[:-1])
    done = subprocess.run(
        [sys.executable, "-m", "gunicorn", "wsgi:app"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "FLASK_SKIP_DOTENV": "1"} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == (
        "Latchkey cannot start: the environment has faults.\n"
        "  - BREACHED_PASSWORDS names a file that is not a filter of breached passwords, or not a "
        "whole one: make it with 'BREACHED_PASSWORDS= flask --app wsgi passwords import LIST --to "
        "FILTER', or unset it.\n"
    )
