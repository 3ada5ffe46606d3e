"""Refreshes as fast as they go: by wrk where it is installed, else by threads of this process.

The built-in client is Python and takes more CPU than the server it asks: its rates are a floor.
"""

from __future__ import annotations

import json
import re
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Final, Literal

CONNECTIONS: Final = 16
SCRIPT: Final = Path(__file__).with_name("refresh.lua")
COOKIE: Final = "__Host-Http-refresh"
WRK: Final = shutil.which("wrk")
CLIENT: Final = f"{'wrk' if WRK else 'a client in Python'}, {CONNECTIONS} connections"


@dataclass(frozen=True)
class Target:
    """Where refreshes go, and what holds the token: a cookie, or JSON as the rival has it."""

    port: int
    path: str
    kind: Literal["cookie", "json"]


@dataclass(frozen=True)
class Load:
    """Requests a second, and latencies in milliseconds."""

    rate: float
    p50: float
    p99: float


def refreshes(target: Target, tokens: Sequence[str], seconds: int) -> Load:
    """Refresh on a connection for each token, which gets its successor from each answer.

    Raises:
        RuntimeError: when one was not answered with 200.

    """
    return _by_wrk(target, tokens, seconds) if WRK else _by_threads(target, tokens, seconds)


def _by_wrk(target: Target, tokens: Sequence[str], seconds: int) -> Load:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(tokens) + "\n")
        file.flush()
        command = [
            str(WRK),
            "-t1",
            f"-c{len(tokens)}",
            f"-d{seconds}s",
            "--timeout=30s",
            "-s",
            str(SCRIPT),
        ]
        url = f"http://127.0.0.1:{target.port}{target.path}"
        said = subprocess.run(  # noqa: S603 - ours
            [*command, url, "--", target.kind, file.name],
            check=True,
            capture_output=True,
            text=True,
            timeout=seconds + 30,
        ).stdout
    found = re.search(r"^RESULT (\S+) (\S+) (\S+) (\d+)$", said, re.MULTILINE)
    if found is None or found[4] != "0":
        raise RuntimeError(f"refreshes failed:\n{said}")
    return Load(float(found[1]), float(found[2]), float(found[3]))


def _by_threads(target: Target, tokens: Sequence[str], seconds: int) -> Load:
    taken: list[float] = []
    faults: list[Exception] = []
    begun = time.perf_counter()

    def repeat(token: str) -> None:
        link = HTTPConnection("localhost", target.port, timeout=30)
        try:
            while time.perf_counter() < begun + seconds:
                sent = time.perf_counter()
                token = _refresh(link, target, token)
                taken.append(time.perf_counter() - sent)
        except (OSError, RuntimeError) as fault:
            faults.append(fault)
        finally:
            link.close()

    threads = [threading.Thread(target=repeat, args=(token,)) for token in tokens]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise RuntimeError("refreshes failed") from faults[0]
    cuts = statistics.quantiles(taken, n=100)
    rate = len(taken) / (time.perf_counter() - begun)
    return Load(rate, cuts[49] * 1000, cuts[98] * 1000)


def _refresh(link: HTTPConnection, target: Target, token: str) -> str:
    headers = {"Content-Type": "application/json"}
    if target.kind == "cookie":
        headers["Cookie"] = f"{COOKIE}={token}"
    body = {} if target.kind == "cookie" else {"refresh": token}
    link.request("POST", target.path, json.dumps(body), headers)
    answer = link.getresponse()
    text = answer.read()
    if answer.status != 200:  # noqa: PLR2004 - OK
        raise RuntimeError(f"{target.path}: {answer.status} {text!r}")
    if target.kind == "json":
        return str(json.loads(text)["refresh"])
    return answer.headers["Set-Cookie"].partition("=")[2].partition(";")[0]
