"""`python -m bench flood`: log-ins and protected requests while somebody floods the log-in.

The flood comes from a process of its own, as fast as that can ask, and honours no Retry-After.
It runs at nice 10, since it stands for another machine and has to share this one's cores.
Honest people log in one after the other; then protected requests come on 8 connections as fast
as they are answered, without a flood and under it.

Numbers after `flood` are priorities of the hashing thread to compare, in turns of one run.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final

from app import create_app
from app.accounts.hash_queue import NICENESS
from app.cli import migrations
from app.families.issuer import PresentedCredentials
from bench.cores import load
from bench.flooder import own_emails
from bench.load import WRK
from bench.sessions import log_in
from config import ROOT
from tests.support.accounts import create_accounts
from tests.support.log_in_flood import PASSWORD, Person, honest, people_of
from tests.support.processes import end
from tests.support.servers.gunicorn import GunicornServer

FLOODS: Final = {
    "right passwords of its own, 24 connections": ("own", 24),
    "right passwords of its own, 64 connections": ("own", 64),
    "wrong passwords, 24 connections": ("wrong", 24),
    "wrong passwords, 64 connections": ("wrong", 64),
    "wrong passwords from 200 networks, 40 connections; known browsers": ("networks", 40),
}
PEOPLE: Final = 5
TIMES: Final = 3
PAUSE: Final = 0.1
PROMPT_SECONDS: Final = 2.0
SECONDS: Final = 3
OK: Final = 200
_floods: Final = count(1)


@dataclass
class Contender:
    """A server whose hashing thread has a priority, its people, and what was measured."""

    server: GunicornServer
    people: list[Person]
    access: str
    prompt: list[bool] = field(default_factory=list)
    idle: list[tuple[float, float]] = field(default_factory=list)
    flooded: list[tuple[float, float]] = field(default_factory=list)


def run(environment: Mapping[str, str], words: Sequence[str]) -> None:
    """Print a line for each flood, and the sums.

    Raises:
        RuntimeError: without wrk, whose p99 this is about.

    """
    if not WRK:
        raise RuntimeError("the flood needs wrk on the PATH")
    with ExitStack() as stack:
        contenders = {
            nice: _contender(stack, environment, nice) for nice in words or [str(NICENESS)]
        }
        for number, (name, (kind, connections)) in enumerate(FLOODS.items()):
            print(f"{name} ({load()}):", flush=True)
            order = list(contenders)[:: -1 if number % 2 else 1]
            for nice in order:
                _measure(nice, contenders[nice], kind, connections)
        for nice, one in contenders.items():
            _sum_up(nice, one)


def _measure(nice: str, one: Contender, kind: str, connections: int) -> None:
    for person in one.people:
        person.close()  # no server waits half a minute for its next request
        person.mark = person.mark if kind == "networks" else ""
        if kind == "networks":
            person.log_in()
    idle = _protected(one)
    with _flood(one.server, kind, connections) as attacker:
        seen = []
        for _ in range(TIMES):
            if kind != "networks":
                for person in one.people:
                    person.mark = ""
            seen += honest(one.people, 1, PAUSE)
        flooded = _protected(one)
        answers = _stop(attacker)
    prompt = [status == OK and seconds <= PROMPT_SECONDS for status, seconds in seen]
    one.prompt += prompt
    one.idle.append(idle)
    one.flooded.append(flooded)
    slowest = max(seconds for _, seconds in seen)
    print(
        f"  nice {nice:>2}: {sum(prompt)} of {len(prompt)} log-ins within {PROMPT_SECONDS:.0f} s,"
        f" slowest {slowest:.2f} s; protected p50 {idle[0]:.1f} -> {flooded[0]:.1f} ms,"
        f" p99 {idle[1]:.1f} -> {flooded[1]:.1f} ms ({flooded[1] / idle[1]:.1f}x);"
        f" attempts a second: {answers}",
        flush=True,
    )


def _sum_up(nice: str, one: Contender) -> None:
    ratio = [under[1] / idle[1] for idle, under in zip(one.idle, one.flooded, strict=True)]
    idle50, idle99, flood50, flood99 = (
        statistics.median(pair[which] for pair in pairs)
        for pairs in (one.idle, one.flooded)
        for which in (0, 1)
    )
    print(
        f"nice {nice:>2}: {100 * sum(one.prompt) / len(one.prompt):.0f} % of log-ins within"
        f" {PROMPT_SECONDS:.0f} s; protected p50 {idle50:.1f} -> {flood50:.1f} ms,"
        f" p99 {idle99:.1f} -> {flood99:.1f} ms; median of the p99 ratios"
        f" {statistics.median(ratio):.1f}"
    )


def _contender(stack: ExitStack, environment: Mapping[str, str], nice: str) -> Contender:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    own = {
        "DATABASE_URL": f"sqlite:///{folder / 'flood.db'}",
        "TRUSTED_PROXIES": "1",
        "BENCH_NICENESS": nice,
    }
    server = GunicornServer(
        {**environment, **own}, folder / "gunicorn.log", app="bench.nicer:app", forked=False
    )
    app = create_app(server.settings)
    with app.app_context():
        migrations.upgrade()
    server.start()
    stack.callback(server.stop)
    return Contender(
        server, people_of(server, PEOPLE), log_in(app, PresentedCredentials()).access_token
    )


@contextmanager
def _flood(server: GunicornServer, kind: str, connections: int) -> Iterator[subprocess.Popen[str]]:
    number = next(_floods)
    if kind == "own":
        create_accounts(server, own_emails(number), PASSWORD)
    arguments = [str(server.port), kind, str(connections), str(number)]
    attacker = subprocess.Popen(  # noqa: S603 - ours
        [sys.executable, "-m", "bench.flooder", *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: os.nice(10),  # noqa: PLW1509 - this process has no other thread
    )
    try:
        if attacker.stdout is None or attacker.stdout.readline() != "\n":
            raise RuntimeError("the flood did not begin")
        yield attacker
    finally:
        end(attacker)


def _stop(attacker: subprocess.Popen[str]) -> str:
    said, _ = attacker.communicate(timeout=30)
    rates = json.loads(said)
    return ", ".join(f"{rate} x {status}" for status, rate in rates.items())


def _protected(one: Contender) -> tuple[float, float]:
    """Return p50 and p99, in milliseconds, of /api/me on 8 connections."""
    said = subprocess.run(  # noqa: S603 - ours
        [
            str(WRK),
            "-t1",
            "-c8",
            f"-d{SECONDS}s",
            "--latency",
            f"-HHost: localhost:{one.server.port}",
            f"-HX-Forwarded-Host: localhost:{one.server.port}",
            "-HX-Forwarded-For: 192.0.2.1",
            f"-HAuthorization: Bearer {one.access}",
            f"http://127.0.0.1:{one.server.port}/api/me",
        ],
        check=True,
        capture_output=True,
        text=True,
        timeout=SECONDS + 30,
    ).stdout
    found = dict(re.findall(r"^\s+(50|99)%\s+(\S+)$", said, re.MULTILINE))
    if len(found) != len(("50", "99")) or "Non-2xx" in said or "Socket errors" in said:
        raise RuntimeError(f"protected requests failed:\n{said}")
    return _milliseconds(found["50"]), _milliseconds(found["99"])


def _milliseconds(text: str) -> float:
    for unit, factor in (("us", 0.001), ("ms", 1.0), ("s", 1000.0)):
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * factor
    raise RuntimeError(f"wrk speaks of {text}")
