"""Health: alive, and ready with every part."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, TypedDict

from flask import Blueprint, Response, jsonify
from redis import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.services import services
from app.web.guards import public

blueprint: Final = Blueprint("health", __name__)


class Well(TypedDict):
    """All is well."""

    status: Literal["ok"]


class Failing(TypedDict):
    """Parts that do not answer."""

    status: Literal["unavailable"]
    failing: list[Literal["database", "redis"]]


@blueprint.get("/healthz")
@public
def healthz() -> Response:
    """Answer: the process is alive."""
    return jsonify(WELL)


@blueprint.get("/readyz")
@public
def readyz() -> tuple[Response, int]:
    """Answer whether database and Redis do; 503 names each that does not."""
    failing = [name for name, well in PARTS if not well()]
    if failing:
        view: Failing = {"status": "unavailable", "failing": failing}
        return jsonify(view), 503
    return jsonify(WELL), 200


def _database() -> bool:
    try:
        with services().database.autocommit() as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return False
    return True


def _redis() -> bool:
    try:
        services().redis.ping()
    except RedisError:
        return False
    return True


WELL: Final[Well] = {"status": "ok"}
PARTS: Final[tuple[tuple[Literal["database", "redis"], Callable[[], bool]], ...]] = (
    ("database", _database),
    ("redis", _redis),
)
