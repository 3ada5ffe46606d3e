"""What the settings say of an environment."""

from config import Settings, SettingsError, new_secret

GOOD = {
    "APP_ENV": "production",
    "PUBLIC_URL": "https://app.example.com",
    "JWT_SECRET": new_secret(),
    "SECRET_KEY": new_secret(),
    "DATABASE_URL": "postgresql+psycopg://latchkey:db-pass@db.example.com/latchkey",
    "REDIS_URL": "rediss://:redis-pass@redis.example.com:6379/0",
    "MAIL_URL": "smtps://latchkey:mail-pass@mail.example.com",
    "MAIL_FROM": "accounts@example.com",
}


def faults(**changes: str) -> str:
    """Return the report on a good environment with `changes`, empty when it is fine."""
    try:
        Settings.from_env(GOOD | changes)
    except SettingsError as error:
        return str(error)
    return ""


def names(report: str) -> list[str]:
    """Return the variable that each line of a report begins with."""
    return [line[4:].split()[0] for line in report.splitlines()[1:]]
