"""Health: alive, and ready to serve."""

from __future__ import annotations

from typing import Final, Literal, NotRequired, TypedDict

from flask import Blueprint, Response, jsonify
from redis import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.services import services
from app.web.guards import public

blueprint: Final = Blueprint("health", __name__)

PING: Final = text("SELECT 1")


class Healthy(TypedDict):
    """All is well."""

    status: Literal["ok"]


class Ready(TypedDict):
    """Everything works; what does not answer all the same is named."""

    status: Literal["ok", "degraded"]
    failing: NotRequired[list[Literal["redis"]]]


class Failing(TypedDict):
    """The application cannot serve; parts that do not answer."""

    status: Literal["unavailable"]
    failing: list[Literal["database", "redis"]]


@blueprint.get("/healthz")
@public
def healthz() -> Response:
    """Answer: the process is alive."""
    return jsonify(HEALTHY)


@blueprint.get("/readyz")
@public
def readyz() -> tuple[Response, int]:
    """Answer whether the application can serve: 503 when the database does not answer.

    Without Redis it serves all the same, and 200 says so: a load balancer that took every node
    out for it would turn a harmless outage into a real one.
    """
    redis: list[Literal["redis"]] = [] if _redis() else ["redis"]
    if not _database():
        failing: Failing = {"status": "unavailable", "failing": ["database", *redis]}
        return jsonify(failing), 503
    ready: Ready = {"status": "degraded", "failing": redis} if redis else {"status": "ok"}
    return jsonify(ready), 200


def _database() -> bool:
    try:
        with services().database.autocommit() as connection:
            connection.execute(PING)
    except SQLAlchemyError:
        return False
    return True


def _redis() -> bool:
    try:
        services().redis.ping()
    except RedisError:
        return False
    return True


HEALTHY: Final[Healthy] = {"status": "ok"}
