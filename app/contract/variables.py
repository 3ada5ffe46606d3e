"""What each environment variable means: the source of `.env.example` and of two tables.

`config` decides which values are accepted; a test compares the names and the values here with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Variable:
    """One variable. `default` and `rule` are for people, `example` is the value in `.env.example`.

    Staging and production do not start without a `required` variable.
    """

    name: str
    default: str
    rule: str
    example: str = ""
    required: bool = False


GROUPS: Final = {
    "The deployment": (
        Variable(
            "APP_ENV",
            "`development`",
            "`development`, `testing`, `staging` or `production`",
            "production",
            required=True,
        ),
    ),
    "Secrets": (
        Variable(
            "JWT_SECRET",
            "made in development",
            "32 random bytes or more, in hex or base64; the keys of tokens are derived from it",
            required=True,
        ),
        Variable(
            "JWT_SECRET_PREVIOUS",
            "empty",
            "former values of `JWT_SECRET`, separated by commas; they verify and never sign",
        ),
        Variable(
            "SECRET_KEY",
            "made in development",
            "16 random bytes or more, not those of `JWT_SECRET`; signs the CSRF tokens of forms",
            required=True,
        ),
    ),
    "Address and audience": (
        Variable(
            "PUBLIC_URL",
            "`http://localhost:PORT`",
            "the issuer and the only accepted origin; https in staging and production",
            "https://app.example.com",
            required=True,
        ),
        Variable("JWT_AUDIENCE", "`PUBLIC_URL` + `/api`", "the `aud` of access tokens"),
    ),
    "Lifetimes: seconds, or 10m, 12h, 7d": (
        Variable("ACCESS_TOKEN_TTL", "10 minutes", "1 to 15 minutes", "600"),
        Variable(
            "REFRESH_IDLE_TTL",
            "12 hours",
            'at most 30 days; without a refresh, for a log-in without "Keep me logged in"',
            "12h",
        ),
        Variable(
            "REFRESH_ABSOLUTE_TTL",
            "24 hours",
            'at most 30 days; in all, for a log-in without "Keep me logged in"',
            "24h",
        ),
        Variable(
            "REMEMBER_IDLE_TTL",
            "7 days",
            'at most 30 days; without a refresh, for a log-in with "Keep me logged in"',
            "7d",
        ),
        Variable(
            "REMEMBER_ABSOLUTE_TTL",
            "30 days",
            'at most 30 days; in all, for a log-in with "Keep me logged in"',
            "30d",
        ),
        Variable("CLOCK_LEEWAY", "5 seconds", "0 to 30 seconds by which clocks may differ", "5"),
    ),
    "Database and Redis": (
        Variable(
            "DATABASE_URL",
            "SQLite in `instance/` in development",
            "`postgresql+psycopg://user@host/name` or `sqlite:////absolute/path`",
            "postgresql+psycopg://latchkey@db.example.com/latchkey",
            required=True,
        ),
        Variable(
            "DATABASE_POOLER",
            "empty",
            "`transaction` behind PgBouncer, or another pooler, in transaction mode",
        ),
        Variable(
            "REDIS_URL",
            "bundled Valkey in development",
            "`rediss://`, `redis://` or `unix://`",
            "rediss://redis.example.com:6379/0",
            required=True,
        ),
    ),
    "Mail": (
        Variable(
            "MAIL_URL",
            "the page `/mailbox` in development",
            "`smtp://user:password@host:587` (STARTTLS), `smtps://user:password@host:465`, or "
            "`none`: then nobody can register or reset a password by themselves",
            "smtps://latchkey:password@mail.example.com:465",
            required=True,
        ),
        Variable(
            "MAIL_FROM",
            "`latchkey@localhost` in development",
            "the address that mail comes from; may be empty when `MAIL_URL` is `none`",
            "accounts@example.com",
            required=True,
        ),
    ),
    "Passwords": (
        Variable(
            "ARGON2_MEMORY_KIB",
            "47104",
            "memory of a hash; with `ARGON2_TIME` not below the OWASP minimum",
            "47104",
        ),
        Variable("ARGON2_TIME", "1", "passes over the memory", "1"),
        Variable("ARGON2_PARALLELISM", "1", "lanes", "1"),
        Variable("PASSWORD_MIN_LENGTH", "15", "8 to 64 code points", "15"),
        Variable(
            "BREACHED_PASSWORDS",
            "empty",
            "a filter of known passwords that `flask passwords import` made; they are refused",
        ),
    ),
    "The product": (
        Variable(
            "OPERATORS",
            "empty",
            "ids of the accounts that may use routes for operators, separated by commas",
        ),
        Variable(
            "PRODUCT_NAME",
            "`Latchkey`",
            "the name on pages and in titles; one line of at most 60 characters",
            "Latchkey",
        ),
        Variable("BRAND_CSS", "empty", "a `.css` file in `static/`, linked after Latchkey's own"),
        Variable(
            "BRAND_LOGO",
            "`img/latch.svg`",
            "an `.svg` file in `static/`: the logo and the icon of the tab",
            "img/latch.svg",
        ),
        Variable(
            "CSP_IMG_SRC",
            "empty",
            "https origins that images may also come from, separated by commas",
        ),
        Variable(
            "CSP_CONNECT_SRC",
            "empty",
            "https and wss origins that script may also send requests to, separated by commas",
        ),
        Variable(
            "MAX_BODY_BYTES",
            "65536",
            "65536 to 33554432; the largest body of a route marked `@large_body`",
            "65536",
        ),
    ),
    "The server": (
        Variable(
            "TRUSTED_PROXIES",
            "0",
            "number of proxies in front, whose `X-Forwarded-*` headers are believed; at most 10",
            "0",
        ),
        Variable("HOST", "`127.0.0.1`", "the address at which gunicorn listens", "127.0.0.1"),
        Variable("PORT", "8000", "the port at which gunicorn listens", "8000"),
        Variable("WEB_CONCURRENCY", "2", "number of workers, 1 to 256", "2"),
    ),
}
VARIABLES: Final = tuple(variable for group in GROUPS.values() for variable in group)
