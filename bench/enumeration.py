"""Whether the time of an answer tells if an address has an account.

For each endpoint that takes an address, a request with the address of an account and one with
that of nobody are sent in turn, in random order, each address once and each request from a client
of its own. Printed are the medians, their difference, and the difference that is exceeded by one
in twenty random divisions of the same times: what a difference has to exceed to mean anything. The
last figure is what an attacker would get for a measurement: in how many of all pairs the account
took longer. It is 0.5 for a coin, and printed with its 95 % interval.
"""

from __future__ import annotations

import json
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

from app import create_app
from app.accounts import queries as accounts
from app.accounts.models import User
from app.families.issuer import new_id
from app.services import NAME, Services
from bench.cores import load
from tests.support.processes import end, free_port, spawn, wait_until
from tests.support.servers.gunicorn import GunicornServer
from tests.support.servers.smtp import make_certificate

PAIRS: Final = 400
WARM_UP: Final = 20
DIVISIONS: Final = 2000
PASSWORD: Final = "four words for a bench"  # noqa: S105 - the wrong one for every account
KNOWN, UNKNOWN = "known", "unknown"


@dataclass(frozen=True)
class Asked:
    """An endpoint that takes an address, and what else it wants."""

    path: str
    more: Mapping[str, str] = field(default_factory=dict)


ENDPOINTS: Final = (
    Asked("/auth/register"),
    Asked("/auth/reset"),
    Asked("/auth/login", {"password": PASSWORD}),
)


def run(environment: Mapping[str, str]) -> None:
    """Print a table; raise RuntimeError when two answers differ in a byte."""
    print(f"gunicorn, 2 workers; {PAIRS} pairs of requests for each endpoint ({load()}):")
    print("  known ms  unknown ms  difference  noise   known is slower")
    with tempfile.TemporaryDirectory() as name, _mail_server(Path(name)) as mail:
        server = GunicornServer({**environment, **mail}, Path(name) / "gunicorn.log")
        addresses = _accounts(server, len(ENDPOINTS) * (PAIRS + WARM_UP))
        server.start()
        try:
            for number, asked in enumerate(ENDPOINTS):
                mine = addresses[number :: len(ENDPOINTS)]
                _print(asked.path, _measured(server.port, asked, mine))
        finally:
            server.stop()


@contextmanager
def _mail_server(folder: Path) -> Iterator[dict[str, str]]:
    """Run a mail server that throws everything away, in a process of its own."""
    certificate, port = make_certificate(folder), free_port()
    # Its certificate and key are one file.
    tls = ["--tlscert", str(certificate), "--tlskey", str(certificate)]
    words = ["-n", "-c", "aiosmtpd.handlers.Sink", "-l", f"localhost:{port}", *tls]
    process = spawn([sys.executable, "-m", "aiosmtpd", *words], stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: _listens(port), what="the mail server")
        yield {
            "MAIL_URL": f"smtp://localhost:{port}",
            "MAIL_FROM": "accounts@example.com",
            "SSL_CERT_FILE": str(certificate),
        }
    finally:
        end(process)


def _listens(port: int) -> bool:
    with socket.socket() as link:
        return link.connect_ex(("localhost", port)) == 0


def _accounts(server: GunicornServer, count: int) -> list[str]:
    """Store accounts with one password, which nobody knows, and return their addresses."""
    app = create_app(server.settings)
    own: Services = app.extensions[NAME]
    hashed, now = own.auth.password_login.passwords.hash(new_id()), own.clock.now()
    users = [
        User(new_id(), f"{new_id().lower()}@example.com", hashed, now, now, None, None)
        for _ in range(count)
    ]
    with own.database.transaction() as connection:
        for user in users:
            accounts.insert(connection, user)
    own.database.engine.dispose()
    own.redis.close()
    return [user.email for user in users]


def _measured(port: int, asked: Asked, known: list[str]) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {KNOWN: [], UNKNOWN: []}
    answers = set()
    for number, address in enumerate(known):
        pair = [(KNOWN, address), (UNKNOWN, f"{new_id().lower()}@example.com")]
        random.shuffle(pair)
        for who, email in pair:
            seconds, answer = _ask(port, asked, email)
            answers.add(answer)
            if number >= WARM_UP:
                times[who].append(seconds * 1000)
    if len(answers) > 1:
        raise RuntimeError(f"{asked.path} answers differently: {answers}")
    return times


def _ask(port: int, asked: Asked, email: str) -> tuple[float, tuple[object, ...]]:
    """Send a request from an address that nobody has used; return its seconds and its answer."""
    source = f"127.{random.randrange(1, 255)}.{random.randrange(255)}.{random.randrange(1, 255)}"  # noqa: S311 - no secret
    link = HTTPConnection("127.0.0.1", port, timeout=30, source_address=(source, 0))
    body = json.dumps({"email": email, **asked.more})
    headers = {"Content-Type": "application/json", "Host": f"localhost:{port}"}
    link.connect()
    link.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    begun = time.perf_counter()
    link.request("POST", asked.path, body, headers)
    response = link.getresponse()
    text = response.read()
    took = time.perf_counter() - begun
    link.close()
    return took, (response.status, _same(text), tuple(name for name, _ in response.getheaders()))


def _same(text: bytes) -> str:
    """Return a body without the id of its request, the only part that may differ."""
    body = json.loads(text)
    body.pop("request_id", None)
    return json.dumps(body)


def _print(path: str, times: dict[str, list[float]]) -> None:
    known, unknown = times[KNOWN], times[UNKNOWN]
    medians = statistics.median(known), statistics.median(unknown)
    share, within = _slower(known, unknown)
    print(
        f"{medians[0]:10.2f} {medians[1]:11.2f} {medians[0] - medians[1]:11.2f}"
        f" {_noise(known, unknown):6.2f}   {share:.3f} +- {within:.3f}   {path}"
    )


def _noise(known: list[float], unknown: list[float]) -> float:
    """Return what 19 of 20 random divisions of all times differ by at most, in their medians."""
    pool, half = known + unknown, len(known)
    differences = []
    for _ in range(DIVISIONS):
        random.shuffle(pool)
        differences.append(abs(statistics.median(pool[:half]) - statistics.median(pool[half:])))
    return statistics.quantiles(differences, n=20)[-1]


def _slower(known: list[float], unknown: list[float]) -> tuple[float, float]:
    """Return the share of all pairs in which the account took longer, and its 95 % interval.

    That is Mann and Whitney's U, divided by the number of pairs.
    """
    ranked = sorted([(value, 1) for value in known] + [(value, 0) for value in unknown])
    ranks = sum(rank for rank, (_, is_known) in enumerate(ranked, 1) if is_known)
    count, others = len(known), len(unknown)
    share = (ranks - count * (count + 1) / 2) / (count * others)
    return share, 1.96 * ((count + others + 1) / (12 * count * others)) ** 0.5
