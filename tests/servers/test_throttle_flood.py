"""A flood of log-ins from everywhere: some are turned away, and nobody else waits for them."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tests.http.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers.gunicorn_server import GunicornServer
    from tests.servers.valkey_server import ValkeyServer

FLOOD = 40
# A real cost: a tenth of a second and 46 MiB each.
COST = {"ARGON2_MEMORY_KIB": "47104", "ARGON2_TIME": "3"}


def test_protected_routes_answer_during_a_flood(
    serve: Callable[..., GunicornServer],
    base_environment: dict[str, str],
    sqlite_url: str,
    valkey: ValkeyServer,
) -> None:
    """Too many at once get 503 `busy` and when to come back; a session goes on working."""
    servers = {"DATABASE_URL": sqlite_url, "REDIS_URL": valkey.url, "TRUSTED_PROXIES": "1"}
    wire = Wire(serve(base_environment | servers | COST, workers=2))
    proxied = {"X-Forwarded-Host": f"localhost:{wire.server.port}", "X-Forwarded-For": "192.0.2.1"}
    wire.headers |= proxied
    wire.register()
    access, refresh = wire.log_in().pair
    over = threading.Event()

    def attack(number: int) -> list[tuple[int, str, str]]:
        seen = []
        for turn in range(1000):
            if over.is_set():
                break
            answer = wire.ask(
                "POST",
                "/auth/login",
                {"email": f"user{number}.{turn}@example.com", "password": "wrong wrong wrong"},
                headers={"X-Forwarded-For": f"10.{number}.{turn % 250}.1"},
            )
            code = answer.body["code"]
            seen.append((answer.status, code, answer.headers.get("Retry-After", "")))
        return seen

    with ThreadPoolExecutor(FLOOD) as pool:
        attacks = [pool.submit(attack, number) for number in range(FLOOD)]
        time.sleep(0.5)
        meanwhile = [wire.me(access).status for _ in range(40)]
        over.set()
        answers = [one for each in attacks for one in each.result()]

    assert {status for status, _, _ in answers} == {401, 503}
    turned_away = {(code, after) for status, code, after in answers if status == 503}
    assert turned_away == {("busy", "2")}
    assert set(meanwhile) == {200}
    assert wire.refresh(refresh).status == 200
    assert wire.log_in().status == 200
