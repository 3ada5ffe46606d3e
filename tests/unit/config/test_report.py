from pathlib import Path

import pytest

from config import Settings, SettingsError
from tests.unit.config.reports import GOOD, faults, names


@pytest.mark.parametrize("env", ["testing", "staging", "production"])
def test_outside_development_nothing_secret_has_a_default(env: str, instance: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_env({"APP_ENV": env, "PUBLIC_URL": "https://app.example.com"})
    missing = ["JWT_SECRET", "SECRET_KEY", "DATABASE_URL", "REDIS_URL", "MAIL_URL"]
    assert [fault.split()[0] for fault in refused.value.faults] == missing
    assert all("is missing" in fault for fault in refused.value.faults)
    assert not instance.exists()


def test_all_faults_are_reported_at_once() -> None:
    """Each line has the variable, the fault and its remedy, but not the value."""
    wrong = {
        "APP_ENV": "prod",
        "PUBLIC_URL": "ftp://app.example.com",
        "JWT_SECRET": "hunter2",
        "JWT_SECRET_PREVIOUS": "xhunter,yhunter",
        "SECRET_KEY": "hunter5",
        "ACCESS_TOKEN_TTL": "1d",
        "DATABASE_URL": "mysql://u:hunter6@db/x",
        "REDIS_URL": "http://:hunter7@redis",
        "MAIL_URL": "smtp://:hunter8@mail",
        "MAIL_FROM": "Latchkey <hunter9>",
        "PASSWORD_MIN_LENGTH": "4",
        "ARGON2_MEMORY_KIB": "64",
    }
    report = faults(**wrong)
    assert set(names(report)) == set(wrong)
    assert names(report).count("JWT_SECRET_PREVIOUS") == 2
    assert "hunter" not in report
    for line in report.splitlines()[1:]:
        assert line.startswith("  - ")
        assert ": " in line
        assert line.endswith(".")


def test_a_blank_variable_has_its_default() -> None:
    assert Settings.from_env(GOOD | {"PORT": "  ", "JWT_SECRET_PREVIOUS": ""}).port == 8000
    assert names(faults(JWT_SECRET="  ")) == ["JWT_SECRET"]
