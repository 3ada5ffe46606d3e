"""CPU of a protected request above a bare route of the same app, and beside a rival.

The WSGI app is called in a loop in this process, without a server; the variants take turns, so
that whatever the machine does hits them alike. Printed are medians of the batches.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import BytesIO
from itertools import repeat
from typing import Any, Final

from flask import Flask, jsonify
from redis import Redis

from app import create_app
from app.audit import Client
from app.grants import Grant, Held
from app.services import services
from app.tokens.proofs import Proof
from app.web.guards import public, require_access
from config import Settings
from tests.prover import Prover

BATCHES: Final = 25
REQUESTS: Final = 400
CALLER: Final = Client("127.0.0.1", "bench")

Call = Callable[[], None]


def run(settings: Settings) -> None:
    """Print the table."""
    variants = {
        "Latchkey, bare route": _latchkey(settings, "/bench/bare"),
        "Latchkey, protected route": _latchkey(settings, "/bench/protected"),
        "Latchkey, protected route, bound: a new proof each time": _bound(settings),
        "flask-jwt-extended, bare route": _rival(settings, "/bare"),
        "flask-jwt-extended, protected route, Redis blocklist": _rival(settings, "/protected"),
    }
    cost = measure(variants)
    for name, micros in cost.items():
        print(f"{micros:8.0f} µs  {name}")
    bare, guarded, bound, rival_bare, rival = cost.values()
    print(f"{guarded - bare:8.0f} µs  Latchkey's guard: codec, claims and denylist")
    print(f"{rival - rival_bare:8.0f} µs  flask-jwt-extended's guard")
    print(f"{bound - bare:8.0f} µs  Latchkey's guard with proof of possession")
    print(f"{(guarded - bare) / (rival - rival_bare):8.2f}     ratio of the two")


def measure(variants: dict[str, Call]) -> dict[str, float]:
    """Return the median CPU microseconds per call; batches of the variants take turns."""
    taken: dict[str, list[float]] = {name: [] for name in variants}
    for call in variants.values():
        _batch(call)
    for _ in range(BATCHES):
        for name, call in variants.items():
            taken[name].append(_batch(call))
    return {name: statistics.median(times) for name, times in taken.items()}


def _batch(call: Call) -> float:
    begun = time.process_time()
    for _ in range(REQUESTS):
        call()
    return (time.process_time() - begun) / REQUESTS * 1_000_000


def _latchkey(settings: Settings, path: str) -> Call:
    app = _app(settings)
    grant = _grant(app, Held())
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {grant.access_token}"}
    return _caller(app, path, settings.public_url, repeat(bearer))


def _bound(settings: Settings) -> Call:
    """Make every proof beforehand: the browser's share is not the server's."""
    app, prover, path = _app(settings), Prover(), "/bench/protected"
    with app.app_context():
        prover.nonce = services().nonce()
    grant = _grant(app, Held(proof=Proof(prover.thumbprint, "bench")))
    proofs = [
        prover.proof("GET", settings.public_url + path, grant.access_token)
        for _ in range((BATCHES + 1) * REQUESTS)
    ]
    scheme = f"DPoP {grant.access_token}"
    headers = ({"HTTP_AUTHORIZATION": scheme, "HTTP_DPOP": proof} for proof in proofs)
    return _caller(app, path, settings.public_url, headers)


def _app(settings: Settings) -> Flask:
    app = create_app(settings)

    @app.get("/bench/bare")
    @public
    def bare() -> dict[str, bool]:
        return {"ok": True}

    @app.get("/bench/protected")
    @require_access
    def protected() -> dict[str, bool]:
        return {"ok": True}

    return app


def _grant(app: Flask, held: Held) -> Grant:
    email = f"bench-{time.time_ns()}@example.com"
    with app.app_context():
        return services().auth.register_and_log_in(email, "four words for a bench", CALLER, held)


def _rival(settings: Settings, path: str) -> Call:
    """Build what flask-jwt-extended's documentation shows under "Blocklist", with Redis."""
    from flask_jwt_extended import (  # noqa: PLC0415 - a tool of the bench alone
        JWTManager,
        create_access_token,
        jwt_required,
    )

    app = Flask("rival")
    app.config.update(JWT_SECRET_KEY="x" * 64, JWT_ACCESS_TOKEN_EXPIRES=timedelta(minutes=10))
    manager = JWTManager(app)
    blocklist = Redis.from_url(settings.redis_url, decode_responses=True)

    def is_revoked(_header: dict[str, Any], payload: dict[str, Any]) -> bool:
        return blocklist.get(payload["jti"]) is not None

    manager.token_in_blocklist_loader(is_revoked)
    app.add_url_rule("/bare", "bare", lambda: jsonify(ok=True))
    app.add_url_rule("/protected", "protected", jwt_required()(lambda: jsonify(ok=True)))
    with app.app_context():
        token = create_access_token(identity="somebody")
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {token}"}
    return _caller(app, path, settings.public_url, repeat(bearer))


def _caller(app: Flask, path: str, public_url: str, headers: Iterator[dict[str, str]]) -> Call:
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
        for _ in app.wsgi_app(
            {**environ, **next(headers), "wsgi.input": BytesIO()}, start_response
        ):
            pass

    return call
