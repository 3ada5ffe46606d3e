"""CPU time of a WSGI app that is called in a loop in this process, without a server."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

BATCHES: Final = 25
REQUESTS: Final = 400

Call = Callable[[], None]


@dataclass(frozen=True)
class Cost:
    """CPU microseconds of a request: median and 99th percentile of all requests.

    `quiet` is the 10th percentile of the batches' means: what it costs while little else runs.
    """

    p50: float
    p99: float
    quiet: float


def measure(variants: dict[str, Call]) -> dict[str, Cost]:
    """Measure all variants; their batches take turns, so that whatever runs hits them alike."""
    taken: dict[str, list[list[float]]] = {name: [] for name in variants}
    for call in variants.values():
        _batch(call)
    for _ in range(BATCHES):
        for name, call in variants.items():
            taken[name].append(_batch(call))
    return {name: _cost(batches) for name, batches in taken.items()}


def _batch(call: Call) -> list[float]:
    taken = []
    for _ in range(REQUESTS):
        begun = time.process_time_ns()
        call()
        taken.append((time.process_time_ns() - begun) / 1000)
    return taken


def _cost(batches: list[list[float]]) -> Cost:
    requests = statistics.quantiles([one for batch in batches for one in batch], n=100)
    means = statistics.quantiles([statistics.fmean(batch) for batch in batches], n=10)
    return Cost(requests[49], requests[98], means[0])


def caller(
    wsgi_app: Callable[..., Any], path: str, public_url: str, headers: Iterator[dict[str, str]]
) -> Call:
    """Return a function that asks for `path` with the next `headers`, and wants 200."""
    scheme, _, host = public_url.partition("://")
    environ = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": host.partition(":")[0],
        "SERVER_PORT": host.partition(":")[2] or "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": host,
        "HTTP_USER_AGENT": "bench",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.errors": None,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }

    def start_response(status: str, _headers: list[tuple[str, str]], _exc: object = None) -> None:
        if not status.startswith("200"):
            raise RuntimeError(status)

    def call() -> None:
        for _ in wsgi_app({**environ, **next(headers), "wsgi.input": BytesIO()}, start_response):
            pass

    return call
