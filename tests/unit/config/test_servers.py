import pytest

from config import Settings
from tests.unit.config.reports import GOOD, faults, names


@pytest.mark.parametrize(
    "given",
    [
        "sqlite:////var/lib/latchkey.db",
        "postgresql+psycopg://db.example.com/latchkey",
        "postgresql+psycopg://u:p@db.example.com:5432/latchkey?sslmode=verify-full",
        "postgresql+psycopg:///latchkey?host=/run/postgresql",
    ],
)
def test_a_known_database_is_taken(given: str) -> None:
    """SQLite, and PostgreSQL by psycopg."""
    assert Settings.from_env(GOOD | {"DATABASE_URL": given}).database_url == given


@pytest.mark.parametrize(
    "given",
    [
        "latchkey.db",
        "sqlite://",
        "sqlite:///:memory:",
        "mysql://u:hunter2@db.example.com/latchkey",
        "postgresql://u:hunter2@db.example.com/latchkey",
        "postgres://u:hunter2@db.example.com/latchkey",
        "postgresql+psycopg://u:hunter2@db.example.com",
        "postgresql+psycopg://u:hunter2@db.example.com:port/latchkey",
        "://",
    ],
)
def test_an_unknown_database_is_refused(given: str) -> None:
    """Each is a fault in the report, without the password that was in the URL."""
    report = faults(DATABASE_URL=given)
    assert names(report) == ["DATABASE_URL"]
    assert "hunter2" not in report


@pytest.mark.parametrize(
    "given", ["redis://redis:6379/0", "rediss://:p@redis.example.com", "unix:///run/valkey.sock"]
)
def test_a_known_redis_is_taken(given: str) -> None:
    """By TCP, TLS or socket."""
    assert Settings.from_env(GOOD | {"REDIS_URL": given}).redis_url == given


@pytest.mark.parametrize(
    "given", ["redis", "localhost:6379", "http://redis", "redis://:hunter2@redis:port"]
)
def test_an_unknown_redis_is_refused(given: str) -> None:
    """Each is a fault in the report, without the password that was in the URL."""
    report = faults(REDIS_URL=given)
    assert names(report) == ["REDIS_URL"]
    assert "hunter2" not in report


@pytest.mark.parametrize(
    ("memory", "passes"),
    [("47104", "1"), ("19456", "2"), ("12288", "3"), ("9216", "4"), ("7168", "5"), ("65536", "3")],
)
def test_each_line_of_the_owasp_minimum_is_enough(memory: str, passes: str) -> None:
    """Less memory is fine with more passes."""
    assert faults(ARGON2_MEMORY_KIB=memory, ARGON2_TIME=passes) == ""


@pytest.mark.parametrize(
    ("memory", "passes"),
    [("47103", "1"), ("19455", "2"), ("12287", "3"), ("9215", "4"), ("7167", "5"), ("8", "100")],
)
def test_below_the_owasp_minimum_is_refused(memory: str, passes: str) -> None:
    """One KiB less than a line is below it."""
    report = faults(ARGON2_MEMORY_KIB=memory, ARGON2_TIME=passes)
    assert names(report) == ["ARGON2_MEMORY_KIB"]
    assert "47104 KiB with time 1" in report


def test_a_pooler_is_named_or_there_is_none() -> None:
    """Another mode needs no setting, so another word is a mistake."""
    assert Settings.from_env(GOOD | {"DATABASE_POOLER": "transaction"}).database_pooler is True
    assert Settings.from_env(GOOD).database_pooler is False
    assert names(faults(DATABASE_POOLER="session")) == ["DATABASE_POOLER"]
