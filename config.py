"""The settings: one table of variables. No other module reads the environment or the file `.env`.

`wsgi.py` and `gunicorn.conf.py` call this; `app.settings` has the rules of each variable. A
variable of the environment takes precedence over the file beside this module. All faults are
reported at once, each with its variable, what is wrong and what to do. Outside development no
secret has a default, and no report has the value of a secret.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from app.settings import addresses, mail_server, product, secret_variables, servers
from app.settings.breach_filter import breached_passwords
from app.settings.env_file import read_env_file
from app.settings.hash_cost import argon2
from app.settings.instance import prepare
from app.settings.reader import Reader, SettingsError
from app.settings.secret_strength import decode_secret, new_secret

__all__ = ("ROOT", "Settings", "SettingsError", "decode_secret", "new_secret")

ROOT: Final = Path(__file__).resolve().parent
ENVIRONMENTS: Final = ("development", "testing", "staging", "production")
MAX_WORKERS: Final = 256
THREADS: Final = 16  # of each worker; also its maximum of database connections
HOUR: Final = 3600
DAY: Final = 24 * HOUR
MAX_REFRESH_TTL: Final = 30 * DAY
# The limit of a request body, except on routes with @large_body; also the minimum of
# MAX_BODY_BYTES.
BODY_BYTES: Final = 64 * 1024


@dataclass(frozen=True)
class Settings:
    """The checked settings; `docs/configuration.md` explains each. Times are in seconds."""

    env: str
    host: str
    port: int
    workers: int
    instance: Path
    public_url: str
    audience: str
    jwt_secret: bytes = field(repr=False)
    jwt_secret_previous: tuple[bytes, ...] = field(repr=False)
    secret_key: str = field(repr=False)
    access_ttl: int
    refresh_idle_ttl: int
    refresh_absolute_ttl: int
    remember_idle_ttl: int
    remember_absolute_ttl: int
    clock_leeway: int
    database_url: str = field(repr=False)
    database_pooler: bool
    redis_url: str = field(repr=False)
    mail_url: str = field(repr=False)
    mail_from: str
    argon2_memory_kib: int
    argon2_time: int
    argon2_parallelism: int
    password_min_length: int
    breached_passwords: Path | None
    trusted_proxies: int
    max_body_bytes: int
    operators: frozenset[str]
    product_name: str
    brand_css: str
    brand_logo: str
    csp_img_src: tuple[str, ...]
    csp_connect_src: tuple[str, ...]

    @property
    def behind_proxy(self) -> bool:
        """Whether a proxy is in front: TRUSTED_PROXIES says so, or PUBLIC_URL is https.

        gunicorn itself serves http only.
        """
        return bool(self.trusted_proxies) or self.public_url.startswith("https:")

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings from `environ`, or from the environment and the file `.env`.

        In development this creates `instance/` with generated secrets, when they are missing.

        Raises:
            SettingsError: when at least one setting has a fault; it has all of them.

        """
        faults: list[str] = []
        if environ is None:
            from_file, faults = read_env_file(ROOT / ".env")
            environ = {**from_file, **os.environ}
        reader = Reader(environ, faults, ROOT)
        _check_environment(reader)
        settings = _settings(reader)
        if reader.faults:
            raise SettingsError(reader.faults)
        return settings


def _check_environment(reader: Reader) -> None:
    if reader.env not in ENVIRONMENTS:
        reader.fault("APP_ENV", "is not a known environment", f"use {', '.join(ENVIRONMENTS)}")
    if reader.deployed and reader.text("FLASK_DEBUG", "0").lower() not in {"0", "false", "no"}:
        reader.fault("FLASK_DEBUG", f"is on in {reader.env}", "unset it; tracebacks leak secrets")
    if reader.development:
        prepare(reader)


def _settings(reader: Reader) -> Settings:
    """Return the settings, with a usable value in place of each that has a fault."""
    port = reader.number("PORT", 8000, 1, 65535)
    public_url = addresses.origin(reader, "PUBLIC_URL", f"http://localhost:{port}")
    jwt_secret, previous = secret_variables.jwt_secrets(reader)
    memory, passes, lanes = argon2(reader)
    return Settings(
        env=reader.env,
        host=reader.text("HOST", "127.0.0.1"),
        port=port,
        workers=reader.number("WEB_CONCURRENCY", 2, 1, MAX_WORKERS),
        instance=reader.instance,
        public_url=public_url,
        audience=addresses.audience(reader, public_url),
        jwt_secret=jwt_secret,
        jwt_secret_previous=previous,
        secret_key=secret_variables.secret_key(reader, jwt_secret),
        access_ttl=reader.duration("ACCESS_TOKEN_TTL", 600, 60, 900),
        refresh_idle_ttl=_refresh_ttl(reader, "REFRESH_IDLE_TTL", 12 * HOUR),
        refresh_absolute_ttl=_refresh_ttl(reader, "REFRESH_ABSOLUTE_TTL", DAY),
        remember_idle_ttl=_refresh_ttl(reader, "REMEMBER_IDLE_TTL", 7 * DAY),
        remember_absolute_ttl=_refresh_ttl(reader, "REMEMBER_ABSOLUTE_TTL", MAX_REFRESH_TTL),
        clock_leeway=reader.duration("CLOCK_LEEWAY", 5, 0, 30),
        database_url=servers.database_url(reader),
        database_pooler=servers.database_pooler(reader),
        redis_url=servers.redis_url(reader),
        mail_url=mail_server.mail_url(reader),
        mail_from=mail_server.mail_from(reader),
        argon2_memory_kib=memory,
        argon2_time=passes,
        argon2_parallelism=lanes,
        password_min_length=reader.number("PASSWORD_MIN_LENGTH", 15, 8, 64),
        breached_passwords=breached_passwords(reader),
        trusted_proxies=reader.number("TRUSTED_PROXIES", 0, 0, 10),
        max_body_bytes=reader.number("MAX_BODY_BYTES", BODY_BYTES, BODY_BYTES, 512 * BODY_BYTES),
        operators=product.operators(reader),
        product_name=product.product_name(reader),
        brand_css=product.static_file(reader, "BRAND_CSS", ".css"),
        brand_logo=product.static_file(reader, "BRAND_LOGO", ".svg", "img/latch.svg"),
        csp_img_src=addresses.sources(reader, "CSP_IMG_SRC", "https"),
        csp_connect_src=addresses.sources(reader, "CSP_CONNECT_SRC", "https", "wss"),
    )


def _refresh_ttl(reader: Reader, name: str, default: int) -> int:
    return reader.duration(name, default, 1, MAX_REFRESH_TTL)


def main() -> None:
    """Print the settings of `gunicorn.conf.py` as JSON, or report the faults and exit with 1."""
    try:
        settings = Settings.from_env()
    except SettingsError as error:
        sys.exit(str(error))
    names = ("env", "host", "port", "workers", "public_url")
    values = {name: getattr(settings, name) for name in names} | {"threads": THREADS}
    values["this_machine"] = addresses.is_this_machine(settings.host)
    print(json.dumps(values))  # noqa: T201 - read by gunicorn.conf.py


if __name__ == "__main__":
    main()
