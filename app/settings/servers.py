"""Read the URLs of the database and of Redis. Only development has bundled ones."""

from __future__ import annotations

from redis.connection import parse_url
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from app.settings.reader import Reader


def database_url(reader: Reader) -> str:
    """Return the URL of the database, for SQLAlchemy."""
    bundled = f"sqlite:///{reader.instance / 'latchkey.db'}" if reader.development else ""
    value = reader.text("DATABASE_URL", bundled)
    if not value:
        reader.fault("DATABASE_URL", "is missing", "only development has a bundled database")
        return ""
    try:
        url = make_url(value)
    except (ArgumentError, ValueError):
        url = None
    if (
        url is None
        or url.drivername not in {"sqlite", "postgresql+psycopg"}
        or url.database in {None, "", ":memory:"}
    ):
        remedy = "use sqlite:////absolute/path or postgresql+psycopg://user@host/name"
        reader.fault("DATABASE_URL", "is not a database that Latchkey supports", remedy)
    return value


def database_pooler(reader: Reader) -> bool:
    """Return whether a pooler in transaction mode is between Latchkey and the database."""
    value = reader.text("DATABASE_POOLER")
    if value not in {"", "transaction"}:
        remedy = "use 'transaction' behind a pooler in transaction mode, else leave it empty"
        reader.fault("DATABASE_POOLER", "is not a mode that Latchkey supports", remedy)
    return value == "transaction"


def redis_url(reader: Reader) -> str:
    """Return the URL of Redis, for redis-py."""
    bundled = f"unix://{reader.instance / 'valkey.sock'}" if reader.development else ""
    value = reader.text("REDIS_URL", bundled)
    if not value:
        reader.fault("REDIS_URL", "is missing", "only development has a bundled Valkey")
    elif not _is_redis_url(value):
        remedy = "use redis://host:6379/0, rediss:// or unix:///path"
        reader.fault("REDIS_URL", "is not a Redis URL", remedy)
    return value


def _is_redis_url(url: str) -> bool:
    try:
        parse_url(url)  # type: ignore[no-untyped-call]
    except ValueError:
        return False
    return True
