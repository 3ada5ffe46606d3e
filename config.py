"""Read and check the settings. No other module reads the environment or the file `.env`.

`wsgi.py` and `gunicorn.conf.py` call this. A variable of the environment takes precedence over
the file beside this module. All faults are reported at once, each with its variable, what is
wrong and what to do. Outside development no secret has a default, and no report has the value of
a secret.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import json
import os
import re
import secrets
import stat
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from dotenv.parser import parse_stream
from redis.connection import parse_url
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

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
MAX_NAME_LENGTH: Final = 60
SECRET_BYTES: Final = 32
FORM_KEY_BYTES: Final = 16

# Memory in KiB, and passes. Each pair is an accepted minimum for Argon2id with one lane (OWASP
# Password Storage Cheat Sheet).
ARGON2_FLOOR: Final = ((47104, 1), (19456, 2), (12288, 3), (9216, 4), (7168, 5))

# The example keys of RFC 7515 and RFC 7520, which tutorials copy and attackers try first.
PUBLISHED_KEYS: Final = (
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
    "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg",
)

# Words that people write in place of a secret; random text practically never has one.
WORDS: Final = (
    "secret",
    "password",
    "changeme",
    "example",
    "default",
    "insecure",
    "private",
    "latchkey",
    "production",
    "staging",
    "development",
    "testing",
)
MAX_SAME_CLASS: Final = 0.7

# Only its owner may read a `.env` with a value for one of these, or with a password in a URL.
_SECRETS: Final = ("JWT_SECRET", "JWT_SECRET_PREVIOUS", "SECRET_KEY")
_PASSWORD_IN_URL: Final = re.compile(r"://[^/@]*:[^/@]+@")

_DURATION: Final = re.compile(r"([0-9]{1,9})([smhd]?)")
_UNITS: Final = {"": 1, "s": 1, "m": 60, "h": HOUR, "d": DAY}
_HOST: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_PORT: Final = re.compile(r"[1-9][0-9]{0,4}")
_USER_ID: Final = r"[A-Za-z0-9_-]{22}"


class SettingsError(Exception):
    """The settings have faults; `str()` of this is the report, with one fault a line."""

    def __init__(self, faults: list[str]) -> None:
        """Take `faults`, each a complete sentence."""
        self.faults = tuple(faults)
        lines = "\n".join(f"  - {fault}" for fault in faults)
        super().__init__(f"Latchkey cannot start: the environment has faults.\n{lines}")


def new_secret() -> str:
    """Return 48 bytes from the operating system's generator, as 64 base64url characters."""
    return secrets.token_urlsafe(48)


def decode_secret(text: str) -> bytes | None:
    """Return the bytes that `text` encodes in hex, base64 or base64url; None when it is none."""
    if re.fullmatch(r"(?:[0-9a-fA-F]{2})+", text):
        return bytes.fromhex(text)
    if not re.fullmatch(r"[A-Za-z0-9+/_-]+={0,2}", text):
        return None
    bare = text.rstrip("=").replace("+", "-").replace("/", "_")
    try:
        return base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
    except (binascii.Error, ValueError):
        return None


def secret_fault(text: str, min_bytes: int = SECRET_BYTES) -> str | None:
    """Return what is wrong with a secret, without quoting it; None when it is acceptable.

    An HS256 key has at least 32 bytes (RFC 7518 section 3.2) and is not a text that a person
    could remember (RFC 8725 section 3.5).
    """
    raw = decode_secret(text)
    if raw is None:
        return "is neither hex nor base64"
    if len(raw) < min_bytes:
        return f"has {len(raw)} bytes after decoding and needs at least {min_bytes}"
    if raw in map(decode_secret, PUBLISHED_KEYS):
        return "is a published example that every attacker tries first"
    differences = {(b - a) % 256 for a, b in pairwise(raw)}
    repeats = text in (text + text)[1:-1]
    if repeats or len(set(raw)) < min_bytes * 5 // 8 or len(differences) < min_bytes // 2:
        return "repeats itself; it is not random"
    plain = raw.isascii() and raw.decode().isprintable()
    if plain or (len(raw) * 2 != len(text) and _made_of_words(text)):
        return "is made of words or plain text; it is not random"
    return None


def _made_of_words(text: str) -> bool:
    """Return whether base64 text looks like words.

    In random base64, a third of all neighbouring characters are of the same class (two small
    letters, two capitals, two digits); in words most are.
    """
    classes = [_character_class(char) for char in text.rstrip("=")]
    same = sum(a == b for a, b in pairwise(classes))
    return same > MAX_SAME_CLASS * len(classes) or any(word in text.lower() for word in WORDS)


def _character_class(char: str) -> str:
    if char.isdigit():
        return "digit"
    return "small" if char.islower() else "capital" if char.isupper() else char


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
    argon2_memory_kib: int
    argon2_time: int
    argon2_parallelism: int
    password_min_length: int
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
        if environ is None:
            from_file, faults = _dotenv(ROOT / ".env")
            return _Reader({**from_file, **os.environ}, faults).settings()
        return _Reader(environ, []).settings()


class _Reader:
    """Reads and checks one variable a method, and collects the faults of all of them.

    A method that finds a fault still returns a usable value, so that the next can be checked.
    """

    def __init__(self, environ: Mapping[str, str], faults: list[str]) -> None:
        self.environ = environ
        self.faults = faults
        self.env = self.text("APP_ENV", "development")
        self.development = self.env == "development"
        self.deployed = self.env in {"staging", "production"}
        self.instance = ROOT / "instance"

    def settings(self) -> Settings:
        if self.env not in ENVIRONMENTS:
            self.fault("APP_ENV", "is not a known environment", f"use {', '.join(ENVIRONMENTS)}")
        if self.deployed and self.text("FLASK_DEBUG", "0").lower() not in {"0", "false", "no"}:
            self.fault("FLASK_DEBUG", f"is on in {self.env}", "unset it; tracebacks leak secrets")
        if self.development:
            self.prepare_instance()
        port = self.number("PORT", 8000, 1, 65535)
        public_url = self.origin("PUBLIC_URL", f"http://localhost:{port}")
        jwt_secret, previous = self.jwt_secrets()
        memory, passes, lanes = self.argon2()
        settings = Settings(
            env=self.env,
            host=self.text("HOST", "127.0.0.1"),
            port=port,
            workers=self.number("WEB_CONCURRENCY", 2, 1, MAX_WORKERS),
            instance=self.instance,
            public_url=public_url,
            audience=self.audience(public_url),
            jwt_secret=jwt_secret,
            jwt_secret_previous=previous,
            secret_key=self.secret_key(jwt_secret),
            access_ttl=self.duration("ACCESS_TOKEN_TTL", 600, 60, 900),
            refresh_idle_ttl=self.refresh_ttl("REFRESH_IDLE_TTL", 12 * HOUR),
            refresh_absolute_ttl=self.refresh_ttl("REFRESH_ABSOLUTE_TTL", DAY),
            remember_idle_ttl=self.refresh_ttl("REMEMBER_IDLE_TTL", 7 * DAY),
            remember_absolute_ttl=self.refresh_ttl("REMEMBER_ABSOLUTE_TTL", MAX_REFRESH_TTL),
            clock_leeway=self.duration("CLOCK_LEEWAY", 5, 0, 30),
            database_url=self.database_url(),
            database_pooler=self.database_pooler(),
            redis_url=self.redis_url(),
            argon2_memory_kib=memory,
            argon2_time=passes,
            argon2_parallelism=lanes,
            password_min_length=self.number("PASSWORD_MIN_LENGTH", 15, 8, 64),
            trusted_proxies=self.number("TRUSTED_PROXIES", 0, 0, 10),
            max_body_bytes=self.number("MAX_BODY_BYTES", BODY_BYTES, BODY_BYTES, 512 * BODY_BYTES),
            operators=self.operators(),
            product_name=self.product_name(),
            brand_css=self.static_file("BRAND_CSS", ".css"),
            brand_logo=self.static_file("BRAND_LOGO", ".svg", "img/latch.svg"),
            csp_img_src=self.sources("CSP_IMG_SRC", "https"),
            csp_connect_src=self.sources("CSP_CONNECT_SRC", "https", "wss"),
        )
        if self.faults:
            raise SettingsError(self.faults)
        return settings

    def fault(self, name: str, problem: str, remedy: str) -> None:
        self.faults.append(f"{name} {problem}: {remedy}.")

    def text(self, name: str, default: str = "") -> str:
        return self.environ.get(name, "").strip() or default

    def number(self, name: str, default: int, minimum: int, maximum: int) -> int:
        value = self.text(name, str(default))
        if re.fullmatch(r"[0-9]{1,9}", value) and minimum <= int(value) <= maximum:
            return int(value)
        self.fault(name, "is out of range", f"use a whole number from {minimum} to {maximum}")
        return default

    def duration(self, name: str, default: int, minimum: int, maximum: int) -> int:
        match = _DURATION.fullmatch(self.text(name, str(default)))
        seconds = int(match[1]) * _UNITS[match[2]] if match else -1
        if minimum <= seconds <= maximum:
            return seconds
        self.fault(
            name, "is out of range", f"use seconds from {minimum} to {maximum} (or 90s, 10m, 12h)"
        )
        return default

    def refresh_ttl(self, name: str, default: int) -> int:
        return self.duration(name, default, 1, MAX_REFRESH_TTL)

    def origin(self, name: str, default: str) -> str:
        fault = self.fault
        try:
            url = urlsplit(self.text(name, default))
            host, port = url.hostname or "", url.port
        except ValueError:
            fault(name, "is not a URL", "use the form https://app.example.com")
            return default
        if url.scheme not in {"http", "https"} or not _HOST.fullmatch(host):
            fault(name, "is not an http(s) origin", "use the form https://app.example.com")
        if url.path not in {"", "/"} or url.query or url.fragment or "@" in url.netloc:
            fault(name, "has more than scheme, host and port", "cut it after the host")
        if self.deployed and url.scheme != "https":
            fault(name, f"must be https in {self.env}", "the refresh cookie is Secure")
        if self.development and url.scheme == "http" and not is_this_machine(host):
            # Browsers reject the Secure cookie of such a site, and offer its script no Web Crypto.
            problem = "is http on another host than localhost, where log-ins cannot work"
            fault(name, problem, f"use {default}, or https")
        default_port = {"http": 80, "https": 443}.get(url.scheme)
        return f"{url.scheme}://{host}" + (f":{port}" if port and port != default_port else "")

    def audience(self, public_url: str) -> str:
        audience = self.text("JWT_AUDIENCE")
        if not audience:
            return f"{public_url}/api"
        if not re.fullmatch(r"[\x21-\x7e]{1,255}", audience):
            self.fault("JWT_AUDIENCE", "is not one word", "use a URL or a name without spaces")
        if audience == f"{public_url}/auth/refresh":
            self.fault("JWT_AUDIENCE", "is the refresh token's audience", "use another value")
        return audience

    def jwt_secrets(self) -> tuple[bytes, tuple[bytes, ...]]:
        current = self.secret("JWT_SECRET", SECRET_BYTES)
        parts = [part.strip() for part in self.text("JWT_SECRET_PREVIOUS").split(",")]
        previous = [self.checked("JWT_SECRET_PREVIOUS", p, SECRET_BYTES) for p in parts if p]
        if current and current in previous:
            self.fault(
                "JWT_SECRET_PREVIOUS", "holds JWT_SECRET itself", "list only former secrets"
            )
        return current, tuple(previous)

    def secret_key(self, jwt_secret: bytes) -> str:
        raw = self.secret("SECRET_KEY", FORM_KEY_BYTES)
        if raw and raw == jwt_secret:
            self.fault(
                "SECRET_KEY", "equals JWT_SECRET", "use two secrets, so that one leak is not two"
            )
        return base64.urlsafe_b64encode(raw).decode()

    def secret(self, name: str, min_bytes: int) -> bytes:
        value = self.text(name)
        if not value and self.development:
            value = self.generated_secret(name)
            if not value:
                return b""
        if not value:
            self.fault(name, "is missing", "make one with 'flask --app wsgi secrets new'")
            return b""
        return self.checked(name, value, min_bytes)

    def checked(self, name: str, value: str, min_bytes: int) -> bytes:
        problem = secret_fault(value, min_bytes)
        if problem:
            self.fault(name, problem, "make one with 'flask --app wsgi secrets new'")
        return decode_secret(value) or b""

    def prepare_instance(self) -> None:
        try:
            self.instance.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            self.fault(
                "instance/", f"cannot be made ({error.strerror})", "make the folder writable"
            )

    def generated_secret(self, name: str) -> str:
        """Return the development secret in `instance/`; generate it when it is missing."""
        path = self.instance / f"{name.lower()}.txt"
        try:
            _create(path, new_secret())
            return path.read_text(encoding="ascii").strip()
        except OSError as error:
            self.fault(
                "instance/", f"is not usable ({error.strerror})", "make the folder writable"
            )
            return ""

    def database_url(self) -> str:
        bundled = f"sqlite:///{self.instance / 'latchkey.db'}" if self.development else ""
        value = self.text("DATABASE_URL", bundled)
        if not value:
            self.fault("DATABASE_URL", "is missing", "only development has a bundled database")
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
            self.fault("DATABASE_URL", "is not a database that Latchkey supports", remedy)
        return value

    def database_pooler(self) -> bool:
        value = self.text("DATABASE_POOLER")
        if value not in {"", "transaction"}:
            remedy = "use 'transaction' behind a pooler in transaction mode, else leave it empty"
            self.fault("DATABASE_POOLER", "is not a mode that Latchkey supports", remedy)
        return value == "transaction"

    def redis_url(self) -> str:
        bundled = f"unix://{self.instance / 'valkey.sock'}" if self.development else ""
        value = self.text("REDIS_URL", bundled)
        if not value:
            self.fault("REDIS_URL", "is missing", "only development has a bundled Valkey")
        elif not _is_redis_url(value):
            remedy = "use redis://host:6379/0, rediss:// or unix:///path"
            self.fault("REDIS_URL", "is not a Redis URL", remedy)
        return value

    def operators(self) -> frozenset[str]:
        ids = self.words("OPERATORS")
        if not all(re.fullmatch(_USER_ID, user_id) for user_id in ids):
            remedy = "use ids of accounts, not e-mail addresses; /api/me shows the caller's id"
            self.fault("OPERATORS", "has an entry that is not the id of an account", remedy)
        return frozenset(ids)

    def product_name(self) -> str:
        value = self.text("PRODUCT_NAME", "Latchkey")
        if len(value) > MAX_NAME_LENGTH or not value.isprintable():
            remedy = f"use one line of at most {MAX_NAME_LENGTH} characters"
            self.fault("PRODUCT_NAME", "is too long or not printable", remedy)
        return value

    def static_file(self, name: str, suffix: str, default: str = "") -> str:
        """Return the path of a file in static/, relative to that folder."""
        value = self.text(name, default)
        if value != default and not _is_file(ROOT / "static", value, suffix):
            remedy = f"name a {suffix} file there, as in brand/product{suffix}"
            self.fault(name, f"is not a {suffix} file in static/", remedy)
        return value

    def sources(self, name: str, *schemes: str) -> tuple[str, ...]:
        """Return the origins in a variable, for a directive of the Content-Security-Policy.

        Keywords, wildcards and paths are refused: a single `'unsafe-inline'` or `*` would make
        the policy useless. Only development accepts plain http.
        """
        insecure = {"https": "http", "wss": "ws"}
        allowed = {*schemes, *(insecure[scheme] for scheme in schemes if self.development)}
        origins = self.words(name)
        if not all(_is_source(origin, allowed) for origin in origins):
            forms = " or ".join(f"{scheme}://host" for scheme in schemes)
            remedy = f"use {forms}, without path or wildcard"
            self.fault(name, "has an entry that is not an origin", remedy)
        return tuple(origins)

    def words(self, name: str) -> list[str]:
        return self.text(name).replace(",", " ").split()

    def argon2(self) -> tuple[int, int, int]:
        memory = self.number("ARGON2_MEMORY_KIB", 47104, 8, 4194304)
        passes = self.number("ARGON2_TIME", 1, 1, 100)
        lanes = self.number("ARGON2_PARALLELISM", 1, 1, 64)
        if not any(memory >= m and passes >= t for m, t in ARGON2_FLOOR):
            floor = ", ".join(f"{m} KiB with time {t}" for m, t in ARGON2_FLOOR)
            self.fault("ARGON2_MEMORY_KIB", "is below the OWASP minimum", f"use at least {floor}")
        return memory, passes, lanes


def _is_file(folder: Path, name: str, suffix: str) -> bool:
    if not name.isprintable() or not name.endswith(suffix):
        return False
    path = (folder / name).resolve()
    return path.is_file() and path.is_relative_to(folder.resolve())


def _is_source(origin: str, schemes: Collection[str]) -> bool:
    scheme, _, rest = origin.partition("://")
    host, colon, port = rest.partition(":")
    has_valid_port = bool(_PORT.fullmatch(port)) if colon else True
    return scheme in schemes and bool(_HOST.fullmatch(host)) and has_valid_port


def is_this_machine(host: str) -> bool:
    """Return whether `host` names this machine, so that browsers treat its http as secure.

    These are `localhost`, names that end in `.localhost`, and loopback addresses (W3C Secure
    Contexts, section 3.1).
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _dotenv(path: Path) -> tuple[dict[str, str], list[str]]:
    """Return the variables in the file `.env`, and the faults of the file.

    Variables inside a value are not replaced, because a password may contain a `$`. The file is
    ignored when FLASK_SKIP_DOTENV is set, as Flask's command line does.
    """
    if os.environ.get("FLASK_SKIP_DOTENV", "0").lower() not in {"", "0", "false", "no"}:
        return {}, []
    variables: dict[str, str] = {}
    faults = []
    try:
        with path.open(encoding="utf-8") as file:
            others_can_read = os.fstat(file.fileno()).st_mode & stat.S_IROTH
            for line in parse_stream(file):
                where = f"{path.name} line {line.original.line}"
                if line.error or (line.key is not None and line.value is None):
                    faults.append(f"{where} is not a setting: write NAME=value.")
                elif line.key in variables:
                    faults.append(f"{where} sets {line.key} again: keep one of the two.")
                elif line.key is not None:
                    variables[line.key] = line.value or ""
    except FileNotFoundError:
        return {}, []
    except UnicodeDecodeError:
        return {}, [f"{path.name} is not UTF-8 text: save it as UTF-8."]
    except OSError as error:
        return {}, [
            f"{path.name} cannot be read ({error.strerror}): make it readable, or remove it."
        ]
    if others_can_read and _has_secret(variables):
        faults.append(
            f"{path.name} holds secrets and everybody can read it: chmod 600 {path.name}."
        )
    return variables, faults


def _has_secret(variables: Mapping[str, str]) -> bool:
    return any(variables.get(name) for name in _SECRETS) or any(
        _PASSWORD_IN_URL.search(variables.get(name, "")) for name in ("DATABASE_URL", "REDIS_URL")
    )


def _is_redis_url(url: str) -> bool:
    try:
        parse_url(url)  # type: ignore[no-untyped-call]
    except ValueError:
        return False
    return True


def _create(path: Path, text: str) -> None:
    """Create the file `path` with mode 0600, unless it exists.

    The file appears complete, so that another process never reads a part of it.
    """
    if path.exists():
        return
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def main() -> None:
    """Print the settings of `gunicorn.conf.py` as JSON, or report the faults and exit with 1."""
    try:
        settings = Settings.from_env()
    except SettingsError as error:
        sys.exit(str(error))
    names = ("env", "host", "port", "workers", "public_url")
    values = {name: getattr(settings, name) for name in names} | {"threads": THREADS}
    values["this_machine"] = is_this_machine(settings.host)
    print(json.dumps(values))  # noqa: T201 - read by gunicorn.conf.py


if __name__ == "__main__":
    main()
