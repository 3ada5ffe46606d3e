"""A reload serves the new code, and one that cannot work changes nothing."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest

from tests.support.clone import Clone
from tests.support.processes import wait_until


@pytest.fixture
def clone(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Iterator[Clone]:
    """A copy of the tree, whose code a test may change."""
    copy = Clone(tmp_path_factory.mktemp("clone"), migrated_sqlite)
    yield copy
    copy.close()


def run(clone: Clone, **more: str) -> None:
    """Serve with one worker.

    A second may still be loading when the first answers, and would load a change of the test's.
    """
    clone.run(WEB_CONCURRENCY="1", **more)


def change(path: Path, before: str, after: str) -> None:
    """Replace a text of a file; its modification time moves on for certain."""
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")
    os.utime(path, (path.stat().st_atime, path.stat().st_mtime + 10))


def master(clone: Clone) -> psutil.Process:
    """Find gunicorn's master: the process that make has become or has started."""
    make = psutil.Process(clone.pid)
    return next(p for p in (make, *make.children()) if "gunicorn" in " ".join(p.cmdline()))


# A worker has what the master had at its fork: the modules of the application among it are written
# down before the worker loads any.
LISTS_WHAT_FORKS = """
import json, pathlib, runpy, sys
globals().update(runpy.run_path("gunicorn.conf.py"))

def post_fork(server, worker):
    own = [name for name in sys.modules if name.split(".")[0] in {"app", "config", "wsgi"}]
    (pathlib.Path("instance") / f"forked-{worker.age}").write_text(json.dumps(own))
"""

SYNTAX = "SyntaxError: invalid syntax (app/api/health.py, line 3)"
IMPORT = "(app/api/__init__.py, line 7)"


def says(clone: Clone) -> str:
    """Ask a worker for /healthz, over a connection of its own."""
    with urlopen(f"{clone.url}/healthz") as answer:  # noqa: S310 - http
        return str(answer.read().decode())


def only_says(clone: Clone, text: str) -> bool:
    """Tell whether workers, asked often enough to reach a former one, answer with this text."""
    return all(text in says(clone) for _ in range(20))


def test_new_code_after_a_signal(clone: Clone) -> None:
    """SIGHUP: the new application is served, with the new config.py."""
    run(clone)
    assert only_says(clone, '"ok"')
    change(clone.folder / "config.py", "HOUR: Final", 'WORD = "new"\nHOUR: Final')
    change(
        clone.folder / "app/api/health.py",
        '{"status": "ok"}',
        '{"status": __import__("config").WORD}',
    )
    master(clone).send_signal(signal.SIGHUP)
    wait_until(lambda: only_says(clone, '"new"'), what="the new answer")


def test_the_master_has_nothing_of_the_application(clone: Clone) -> None:
    """What it imported, every worker would have too, before a reload and after it."""
    conf = clone.folder / "lists.conf.py"
    conf.write_text(LISTS_WHAT_FORKS, encoding="utf-8")
    run(clone, GUNICORN_CMD_ARGS=f"--config {conf.name}")
    master(clone).send_signal(signal.SIGHUP)
    second = clone.instance / "forked-2"
    wait_until(lambda: second.exists() and bool(second.read_text()), what="the second worker")
    forked = sorted(clone.instance.glob("forked-*"))
    assert [json.loads(one.read_text(encoding="utf-8")) for one in forked] == [[], []]


def test_new_code_after_a_change(clone: Clone) -> None:
    """In development no signal is needed; what cannot be loaded is said, and changes nothing."""
    run(clone)
    view = clone.folder / "app/api/health.py"
    change(view, '{"status": "ok"}', '{"status": "new"}')
    wait_until(lambda: only_says(clone, '"new"'), what="the new answer")
    change(view, "def healthz", "dif healthz")
    wait_until(lambda: "SyntaxError" in clone.output, what="the refusal")
    assert only_says(clone, '"new"')
    change(view, "dif healthz", "def healthz")
    change(view, '"new"', '"newer"')
    wait_until(lambda: only_says(clone, '"newer"'), what="the newest answer")


# What the check loads is good, and what the worker loads a moment later is not.
SAVED_TOO_LATE = """

import sys

if "--check-config" not in sys.argv:
    raise %s
"""


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("RuntimeError('half')", "RuntimeError: half (app/api/health.py, line {line})"),
        ("SystemExit('a report')", "a report"),
    ],
)
def test_worker_that_cannot_load_does_not_end_the_master(
    clone: Clone, fault: str, reason: str
) -> None:
    """In development it reports why, and the next good save is served."""
    run(clone)
    first = master(clone)
    view = clone.folder / "app/api/health.py"
    good = view.read_text(encoding="utf-8")
    said = "waits until the code is mended: " + reason.format(line=len(good.splitlines()) + 6)
    change(view, good, good + SAVED_TOO_LATE % fault)
    wait_until(lambda: said in clone.output or not first.is_running(), what="the report")
    assert first.is_running()
    change(view, SAVED_TOO_LATE % fault, "")
    change(view, '{"status": "ok"}', '{"status": "new"}')
    wait_until(lambda: only_says(clone, '"new"'), what="the new answer")
    assert master(clone) == first


@pytest.mark.parametrize(
    ("file", "before", "after", "reason"),
    [
        ("app/api/health.py", "from __future__ import", "from __future__ inport", SYNTAX),
        ("app/api/__init__.py", "from flask import", "from flask import nothing,", IMPORT),
        ("config.py", '"PORT", 8000, 1, 65535', '"PORT", 8000, 1, 2', "PORT"),
    ],
)
def test_a_reload_that_cannot_work_is_refused(
    clone: Clone, file: str, before: str, after: str, reason: str
) -> None:
    """The old worker serves on, and the log says why the new one does not."""
    run(clone)
    workers = {process.pid for process in master(clone).children()}
    change(clone.folder / file, before, after)
    master(clone).send_signal(signal.SIGHUP)
    wait_until(lambda: "Not reloaded" in clone.output, what="the refusal")
    assert reason in clone.output.partition("Not reloaded")[2]
    assert only_says(clone, '"ok"')
    assert workers <= {process.pid for process in master(clone).children()}
