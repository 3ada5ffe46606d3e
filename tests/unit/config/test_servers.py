import pytest

from config import Settings
from tests.unit.config.reports import GOOD, faults, names


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("DATABASE_URL", "sqlite:////var/lib/latchkey.db"),
        ("DATABASE_URL", "postgresql+psycopg://db.example.com/latchkey"),
        ("DATABASE_URL", "postgresql+psycopg://u:p@db.example.com:5432/x?sslmode=verify-full"),
        ("DATABASE_URL", "postgresql+psycopg:///latchkey?host=/run/postgresql"),
        ("REDIS_URL", "redis://redis:6379/0"),
        ("REDIS_URL", "rediss://:p@redis.example.com"),
        ("REDIS_URL", "unix:///run/valkey.sock"),
    ],
)
def test_a_known_kind_of_server_is_taken(name: str, given: str) -> None:
    assert getattr(Settings.from_env(GOOD | {name: given}), name.lower()) == given


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("DATABASE_URL", "latchkey.db"),
        ("DATABASE_URL", "sqlite://"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("DATABASE_URL", "mysql://u:hunter2@db.example.com/latchkey"),
        ("DATABASE_URL", "postgresql://u:hunter2@db.example.com/latchkey"),
        ("DATABASE_URL", "postgres://u:hunter2@db.example.com/latchkey"),
        ("DATABASE_URL", "postgresql+psycopg://u:hunter2@db.example.com"),
        ("DATABASE_URL", "postgresql+psycopg://u:hunter2@db.example.com:port/latchkey"),
        ("DATABASE_URL", "://"),
        ("REDIS_URL", "redis"),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "http://redis"),
        ("REDIS_URL", "redis://:hunter2@redis:port"),
    ],
)
def test_another_kind_of_server_is_refused_without_its_password(name: str, given: str) -> None:
    report = faults(**{name: given})
    assert names(report) == [name]
    assert "hunter2" not in report


@pytest.mark.parametrize(
    ("memory", "passes"),
    [("47104", "1"), ("19456", "2"), ("12288", "3"), ("9216", "4"), ("7168", "5"), ("65536", "3")],
)
def test_each_line_of_the_owasp_minimum_is_enough(memory: str, passes: str) -> None:
    assert faults(ARGON2_MEMORY_KIB=memory, ARGON2_TIME=passes) == ""


@pytest.mark.parametrize(
    ("memory", "passes"),
    [("47103", "1"), ("19455", "2"), ("12287", "3"), ("9215", "4"), ("7167", "5"), ("8", "100")],
)
def test_below_the_owasp_minimum_is_refused(memory: str, passes: str) -> None:
    report = faults(ARGON2_MEMORY_KIB=memory, ARGON2_TIME=passes)
    assert names(report) == ["ARGON2_MEMORY_KIB"]
    assert "47104 KiB with time 1" in report


def test_a_pooler_has_one_known_mode() -> None:
    assert Settings.from_env(GOOD | {"DATABASE_POOLER": "transaction"}).database_pooler is True
    assert Settings.from_env(GOOD).database_pooler is False
    assert names(faults(DATABASE_POOLER="session")) == ["DATABASE_POOLER"]
