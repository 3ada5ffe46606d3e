"""What gunicorn.conf.py promises, asked of real gunicorn over a real socket."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from http.client import HTTPConnection

import pytest

from tests.support.processes import wait_until
from tests.support.servers.gunicorn import GunicornServer
from tests.support.servers.server import answers


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Which database it is makes no difference here."""
    return sqlite_url


@pytest.fixture(scope="module")
def shared(
    deployed: Callable[[], AbstractContextManager[GunicornServer]],
) -> Iterator[GunicornServer]:
    """A server to all tests that leave it as it was."""
    with deployed() as server:
        yield server


def status(server: GunicornServer, path: str, headers: dict[str, str]) -> int:
    """Ask for a path as the public host and return the status."""
    link = HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        link.request("GET", path, headers={"Host": f"localhost:{server.port}"} | headers)
        return link.getresponse().status
    finally:
        link.close()


def test_two_workers_by_default_and_any_number_by_request(
    serve: Callable[..., GunicornServer], environment: dict[str, str]
) -> None:
    """WEB_CONCURRENCY is gunicorn's own name for it."""
    assert len(serve(environment, workers=1).workers) == 1
    assert len(serve(environment, workers=3).workers) == 3


def test_killed_worker_is_replaced(gunicorn_server: GunicornServer) -> None:
    """A worker that dies takes nothing with it but its own requests."""
    before = set(gunicorn_server.workers)
    os.kill(min(before), signal.SIGKILL)
    wait_until(lambda: len(set(gunicorn_server.workers) - before) == 1, what="a new worker")
    assert answers(gunicorn_server.port)


def test_no_header_replaces_the_path(shared: GunicornServer) -> None:
    """By default gunicorn lets any client on this machine send PATH_INFO and SCRIPT_NAME."""
    assert status(shared, "/healthz", {"PATH_INFO": "/nowhere"}) == 200
    assert status(shared, "/healthz", {"SCRIPT_NAME": "/healthz"}) == 200


@pytest.mark.parametrize("scheme", ["https", "http", "gopher"])
def test_forwarded_scheme_is_not_gunicorns_to_believe(shared: GunicornServer, scheme: str) -> None:
    """TRUSTED_PROXIES decides, and it is 0 here."""
    headers = {"X-Forwarded-Proto": scheme, "X-Forwarded-Ssl": "on"}
    assert status(shared, "/healthz", headers) == 200


def test_large_headers_are_refused(shared: GunicornServer) -> None:
    """The longest bearer token fits many times over; what is larger never reaches the app."""
    assert status(shared, "/healthz", {"X-Large": "x" * 8000}) == 200
    assert status(shared, "/healthz", {"X-Large": "x" * 9000}) >= 400
    assert status(shared, "/healthz", {f"X-{n}": "x" for n in range(70)}) >= 400
    assert status(shared, "/healthz?" + "x" * 5000, {}) >= 400


def test_log_has_no_query_and_no_header(
    serve: Callable[..., GunicornServer], environment: dict[str, str]
) -> None:
    """Even with the access log on, nothing that can carry a credential is written."""
    server = serve(environment | {"GUNICORN_CMD_ARGS": "--access-logfile -"})
    headers = {"Authorization": "Bearer hush1", "Cookie": "a=hush2", "Referer": "http://a/?hush3"}
    status(server, "/healthz?token=hush4", headers | {"User-Agent": "hush5"})
    wait_until(
        lambda: r"\"GET /healthz HTTP/1.1\" 200" in server.log, what="the access log's line"
    )
    assert "hush" not in server.log
