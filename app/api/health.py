"""Health: alive, and ready to serve."""

from __future__ import annotations

from typing import Annotated, Final, Literal, NotRequired, TypedDict

from flask import Blueprint
from msgspec import Meta
from redis import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.services import services
from app.web.guards import public
from app.web.json_endpoint import json_endpoint

blueprint: Final = Blueprint("health", __name__)

PING: Final = text("SELECT 1")

NOT_EMPTY: Final = Meta(min_length=1, extra_json_schema={"uniqueItems": True})


class Healthy(TypedDict):
    """The process is alive."""

    status: Literal["ok"]


class Ready(TypedDict):
    """The application serves; a part that does not answer is named."""

    status: Literal["ok", "degraded"]
    failing: NotRequired[Annotated[list[Literal["redis"]], NOT_EMPTY]]


class Failing(TypedDict):
    """The application cannot serve, and which parts do not answer."""

    status: Literal["unavailable"]
    failing: Annotated[list[Literal["database", "redis"]], NOT_EMPTY]


@blueprint.get("/healthz")
@public
@json_endpoint()
def healthz() -> Healthy:
    """Say that the process is alive.

    Answers for any host.
    """
    return {"status": "ok"}


@blueprint.get("/readyz")
@public
@json_endpoint()
def readyz() -> tuple[Ready, Literal[200]] | tuple[Failing, Literal[503]]:
    """Say whether the application can serve: 503 when the database does not answer.

    Answers for any host. Without Redis the application serves, and 200 says so: a load balancer
    that took every node out for it would turn a harmless outage into a real one.
    """
    redis: list[Literal["redis"]] = [] if _redis() else ["redis"]
    if not _database():
        failing: Failing = {"status": "unavailable", "failing": ["database", *redis]}
        return failing, 503
    ready: Ready = {"status": "degraded", "failing": redis} if redis else {"status": "ok"}
    return ready, 200


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
