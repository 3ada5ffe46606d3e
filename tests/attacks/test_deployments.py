"""All attacks, one after the other, against what is really deployed: gunicorn with workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.attacks.run import ATTACKS
from app.attacks.wire import Target
from tests.attacks.attacker import attack, faults

if TYPE_CHECKING:
    from tests.servers.gunicorn_server import GunicornServer


def test_gunicorn_holds_against_every_attack(gunicorn_server: GunicornServer) -> None:
    """Two workers on SQLite, two on PostgreSQL: nothing gets through, and nothing is left out."""
    target = Target(gunicorn_server.url, gunicorn_server.settings, gunicorn_server.log_file)
    runs = [attack(target, slug) for slug in ATTACKS]
    assert [fault for run in runs for fault in faults(run)] == []
