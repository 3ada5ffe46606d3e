"""All attacks, one after the other, against what is really deployed: gunicorn with workers."""

import pytest

from app.attacks.registry import ATTACKS
from app.attacks.target import Target
from tests.attacks.attacker import attack, faults
from tests.support.servers.gunicorn import GunicornServer, Serve


def test_gunicorn_holds_against_every_attack(gunicorn_server: GunicornServer) -> None:
    target = Target(gunicorn_server.url, gunicorn_server.settings, gunicorn_server.log_file)
    runs = [attack(target, slug) for slug in ATTACKS]
    assert [fault for run in runs for fault in faults(run)] == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_server_that_reads_in_its_threads_is_found_out(
    serve: Serve, environment: dict[str, str]
) -> None:
    """The threaded worker of gunicorn itself is silent until the slow clients leave."""
    server = serve(environment | {"GUNICORN_CMD_ARGS": "--worker-class gthread"})
    run = attack(Target(server.url, server.settings), "slow-requests")
    assert (run.verdict, run.why) == ("got_through", "")
    assert [finding.held for finding in run.record.findings] == [False]
