"""GET /healthz and /readyz."""

import pytest

from tests.support.client import Client
from tests.support.servers.valkey import ValkeyServer


def test_all_is_well(thief: Client) -> None:
    for path in ("/healthz", "/readyz"):
        answer = thief.ask("GET", path, cookie="rubbish", access="rubbish")
        assert (answer.status_code, answer.get_json()) == (200, {"status": "ok"})


def test_redis_down(thief: Client, valkey: ValkeyServer) -> None:
    """Everything still works, so no load balancer may take the node out."""
    valkey.stop()
    assert thief.ask("GET", "/healthz").status_code == 200
    answer = thief.ask("GET", "/readyz")
    assert (answer.status_code, answer.get_json()) == (
        200,
        {"status": "degraded", "failing": ["redis"]},
    )
    valkey.start()
    assert thief.ask("GET", "/readyz").get_json() == {"status": "ok"}


@pytest.fixture
def no_database(environment: dict[str, str]) -> dict[str, str]:
    return environment | {"DATABASE_URL": "sqlite:////nowhere/at/all.db"}
