"""Refreshes under gunicorn beside djangorestframework-simplejwt, on both databases.

Both have two workers with sixteen threads and the same durability. Rounds take turns and their
order is reversed each time; printed are medians, and the median of the rounds' ratios.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

from app import create_app
from app.cli import migrations
from bench.cores import load
from bench.load import CLIENT, CONNECTIONS, Load, Target, refreshes
from bench.sessions import refresh_tokens
from config import ROOT
from tests.support.processes import end, free_port, spawn, wait_until
from tests.support.servers.gunicorn import GunicornServer
from tests.support.servers.postgres import PostgresServer

ROUNDS: Final = 5
SECONDS: Final = 3
CHEAP: Final = {"ARGON2_MEMORY_KIB": "7168", "ARGON2_TIME": "5"}  # passwords are not measured here
SERVE: Final = ("--worker-class=gthread", "--workers=2", "--threads=16", "--keep-alive=65")

Loads = dict[str, list[Load]]


def run(environment: Mapping[str, str], postgres: PostgresServer) -> None:
    """Print a table for each database."""
    print(f"refreshes; gunicorn, 2 workers, 16 threads; {CLIENT}; {ROUNDS} rounds of {SECONDS} s:")
    with tempfile.TemporaryDirectory() as folder:
        sqlite = [f"sqlite:///{Path(folder) / name}.db" for name in ("latchkey", "rival")]
        _compare("SQLite, synchronous=FULL", environment, Path(folder), sqlite)
        both = [postgres.create(), postgres.create()]
        _compare("PostgreSQL, fsync on", environment, Path(folder), both)


def _compare(name: str, environment: Mapping[str, str], folder: Path, urls: list[str]) -> None:
    with ExitStack() as stack:
        contenders = {
            "Latchkey": _latchkey(stack, {**environment, **CHEAP}, folder, urls[0]),
            "djangorestframework-simplejwt": _rival(stack, folder, urls[1]),
        }
        loads: Loads = {name: [] for name in contenders}
        for number in range(ROUNDS):
            order = list(contenders)[:: -1 if number % 2 else 1]
            for who in order:
                target, tokens = contenders[who]
                mine = tokens[number * CONNECTIONS : (number + 1) * CONNECTIONS]
                loads[who].append(refreshes(target, mine, SECONDS))
    print(f"{name} ({load()}):\n      /s  p50 ms  p99 ms")
    for who, taken in loads.items():
        rate, p50, p99 = (
            statistics.median(getattr(one, what) for one in taken)
            for what in ("rate", "p50", "p99")
        )
        print(f"{rate:8.0f} {p50:7.0f} {p99:7.0f}  {who}")
    ratios = [ours.rate / its.rate for ours, its in zip(*loads.values(), strict=True)]
    print(f"{statistics.median(ratios):8.1f}                  times the rival's rate")


def _latchkey(
    stack: ExitStack, environment: Mapping[str, str], folder: Path, url: str
) -> tuple[Target, list[str]]:
    log = folder / "gunicorn.log"
    server = GunicornServer({**environment, "DATABASE_URL": url}, log, forked=False)
    with create_app(server.settings).app_context():
        migrations.upgrade()
    server.start()
    stack.callback(server.stop)
    tokens = refresh_tokens(server.settings, CONNECTIONS * ROUNDS)
    return Target(server.port, "/auth/refresh", "cookie"), tokens


def _rival(stack: ExitStack, folder: Path, url: str) -> tuple[Target, list[str]]:
    port = free_port()
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "DATABASE_URL": url}
    tokens = subprocess.run(  # noqa: S603 - ours
        [sys.executable, "-m", "bench.rival", str(CONNECTIONS * ROUNDS)],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    where = ["--reuse-port", f"--bind=127.0.0.1:{port}"]
    with (folder / "rival.log").open("ab") as log:
        server = spawn(
            [sys.executable, "-m", "gunicorn", *where, *SERVE, "bench.rival:application"],
            cwd=folder,  # away from Latchkey's gunicorn.conf.py
            env=environment,
            stdout=log,
            stderr=log,
        )
    stack.callback(end, server)
    target = Target(port, "/refresh", "json")
    wait_until(lambda: _answers(target), "the rival")
    return target, tokens


def _answers(target: Target) -> bool:
    link = HTTPConnection("127.0.0.1", target.port, timeout=5)
    try:
        link.request("GET", target.path)
        return link.getresponse().status == 405  # noqa: PLR2004 - only POST is allowed
    except OSError:
        return False
    finally:
        link.close()
