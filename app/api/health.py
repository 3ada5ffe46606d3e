"""Health: alive, and ready with every part."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, jsonify
from redis import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.services import services
from app.web.guards import public

blueprint: Final = Blueprint("health", __name__)


@blueprint.get("/healthz")
@public
def healthz() -> Response:
    """Answer: the process is alive."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
@public
def readyz() -> tuple[Response, int]:
    """Answer whether database and Redis do; 503 names each that does not."""
    failing = [name for name, well in (("database", _database), ("redis", _redis)) if not well()]
    if failing:
        return jsonify(status="unavailable", failing=failing), 503
    return jsonify(status="ok"), 200


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
