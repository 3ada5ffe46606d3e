"""What holders of a key and thieves do with sessions that are bound to it."""

from typing import Final

from flask import Flask
from werkzeug.test import TestResponse

from app.attacks.prover import Prover
from app.families.rotation import IN_FLIGHT_SECONDS
from app.tokens.dpop import Proof
from tests.support.app import clock_of, services
from tests.support.client import Client, claims, program

HOUR: Final = 3600
ELSEWHERE: Final = "203.0.113.66"


def present(app: Flask, cookie: str | None, key: Prover | None = None) -> TestResponse:
    """Present a refresh token from elsewhere, proved by that key if there is one."""
    return program(app, ip=ELSEWHERE, key=key).refresh(cookie)


def new_keys(number: int) -> list[Prover]:
    return [Prover() for _ in range(number)]


def spend(holder: Client, times: int = 3) -> list[str]:
    """Go on a few times, no two in one burst; return all refresh tokens, the current one last."""
    tokens = [holder.refresh_token]
    for _ in range(times):
        clock_of(holder.app).forward(IN_FLIGHT_SECONDS + 1)
        assert holder.refresh().status_code == 200
        tokens.append(holder.refresh_token)
    return tokens


def steal(holder: Client, which: int, whose: str) -> TestResponse:
    """Present one of the tokens, as a thief or as somebody who has the key itself."""
    key = {"none": None, "foreign": Prover(), "own": holder.key}[whose]
    return present(holder.app, spend(holder)[which], key)


def use_up(holder: Client, proof: str) -> None:
    """Record a proof as one that was used before."""
    own = services(holder.app)
    known = Proof(holder.key.thumbprint, claims(proof)["jti"], own.clock.now() + 10)
    own.auth.replay_cache.consume(known)
