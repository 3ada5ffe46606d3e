"""CPU of a protected request above a bare route of the same app, and beside a rival."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta
from itertools import repeat
from typing import Any, Final

from flask import Flask, jsonify
from redis import Redis

from app import create_app
from app.attacks.prover import Prover
from app.families.issuer import PresentedCredentials
from app.services import services
from app.tokens.dpop import Proof
from app.web.guards import public, require_access
from bench.inprocess import BATCHES, REQUESTS, Call, caller, measure
from bench.sessions import log_in
from config import Settings

ME: Final = "Latchkey, /api/me"


def run(settings: Settings, postgresql: Settings) -> None:
    """Print the table; `postgresql` is the same with the other database."""
    variants = {
        "Latchkey, bare route": _latchkey(settings, "/bench/bare"),
        "Latchkey, protected route": _latchkey(settings, "/bench/protected"),
        "Latchkey, protected route, bound: a new proof each time": _bound(settings),
        "flask-jwt-extended, bare route": _rival(settings, "/bare"),
        "flask-jwt-extended, protected route, Redis blocklist": _rival(settings, "/protected"),
        f"{ME}, SQLite": _latchkey(settings, "/api/me"),
        f"{ME}, PostgreSQL": _latchkey(postgresql, "/api/me"),
    }
    cost = measure(variants)
    print("CPU of a request, µs:\n     p50      p99")
    for name, one in cost.items():
        print(f"{one.p50:8.0f} {one.p99:8.0f}  {name}")
    print("     p50  above the bare route:")
    middle = {name: one.p50 for name, one in cost.items()}
    bare, guarded, bound, rival_bare, rival, *_me = middle.values()
    print(f"{guarded - bare:8.0f}  Latchkey's guard: codec, claims and denylist")
    print(f"{rival - rival_bare:8.0f}  flask-jwt-extended's guard")
    print(f"{bound - bare:8.0f}  Latchkey's guard with proof of possession")
    print(f"{(guarded - bare) / (rival - rival_bare):8.2f}  ratio of the first two")
    _print_quiet({name: one.quiet for name, one in cost.items() if name.startswith(ME)})


def _print_quiet(quiet: Mapping[str, float]) -> None:
    print("     p10  of the means of batches:")
    for name, micros in quiet.items():
        print(f"{micros:8.0f}  {name}")


def _latchkey(settings: Settings, path: str) -> Call:
    app = _app(settings)
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {log_in(app, PresentedCredentials()).access_token}"}
    return caller(app.wsgi_app, path, settings.public_url, repeat(bearer))


def _bound(settings: Settings) -> Call:
    """Make every proof beforehand: the browser's share is not the server's."""
    app, prover, path = _app(settings), Prover(), "/bench/protected"
    with app.app_context():
        prover.nonce = services().nonce()
    key = Proof(prover.thumbprint, "bench", int(time.time()))
    access = log_in(app, PresentedCredentials(proof=key)).access_token
    proofs = [
        prover.proof("GET", settings.public_url + path, access)
        for _ in range((BATCHES + 1) * REQUESTS)
    ]
    headers = ({"HTTP_AUTHORIZATION": f"DPoP {access}", "HTTP_DPOP": proof} for proof in proofs)
    return caller(app.wsgi_app, path, settings.public_url, headers)


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
    return caller(app.wsgi_app, path, settings.public_url, repeat(bearer))
