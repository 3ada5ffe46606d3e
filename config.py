"""Settings: the only reader of the environment, and of the file `.env` beside this one.

A variable of the environment overrules the file. Every fault is reported at once, each with its
variable, what is wrong and how to mend it. No secret has a default outside development, and no
secret's value is ever printed.
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
# In each worker: as many requests at once, and as many database connections.
THREADS: Final = 16
HOUR: Final = 3600
DAY: Final = 24 * HOUR
MAX_REFRESH_TTL: Final = 30 * DAY
# What a route takes unless it is marked @large_body, and the least that MAX_BODY_BYTES may be.
BODY_BYTES: Final = 64 * 1024
MAX_NAME_LENGTH: Final = 60
SECRET_BYTES: Final = 32
FORM_KEY_BYTES: Final = 16

# Any one of these lines is enough: the OWASP Password Storage Cheat Sheet, Argon2id, p = 1.
ARGON2_FLOOR: Final = ((47104, 1), (19456, 2), (12288, 3), (9216, 4), (7168, 5))

# Keys printed in RFC 7515, RFC 7520 and on every JWT tutorial: all attackers try them first.
PUBLISHED_KEYS: Final = (
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
    "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg",
)

# What people write where a secret belongs, and what no generator does.
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
MAX_ALIKE: Final = 0.7

# A `.env` with a value for one of these, or with a password in a URL, is for its owner alone.
_SECRETS: Final = ("JWT_SECRET", "JWT_SECRET_PREVIOUS", "SECRET_KEY")
_PASSWORD_IN_URL: Final = re.compile(r"://[^/@]*:[^/@]+@")

_DURATION: Final = re.compile(r"([0-9]{1,9})([smhd]?)")
_UNITS: Final = {"": 1, "s": 1, "m": 60, "h": HOUR, "d": DAY}
_HOST: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_PORT: Final = re.compile(r"[1-9][0-9]{0,4}")
_USER_ID: Final = r"[A-Za-z0-9_-]{22}"


class SettingsError(Exception):
    """The environment is unusable; `str()` is the whole report, one fault a line."""

    def __init__(self, faults: list[str]) -> None:
        """Keep `faults`, one finished sentence each."""
        self.faults = tuple(faults)
        lines = "\n".join(f"  - {fault}" for fault in faults)
        super().__init__(f"Latchkey cannot start: the environment has faults.\n{lines}")


def new_secret() -> str:
    """Return 48 bytes from the operating system's generator, as 64 base64url characters."""
    return secrets.token_urlsafe(48)


def decode_secret(text: str) -> bytes | None:
    """Return the bytes behind hex, base64 or base64url text; None when it is neither."""
    if re.fullmatch(r"(?:[0-9a-fA-F]{2})+", text):
        return bytes.fromhex(text)
    if not re.fullmatch(r"[A-Za-z0-9+/_-]+={0,2}", text):
        return None
    bare = text.rstrip("=").replace("+", "-").replace("/", "_")
    try:
        return base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
    except (binascii.Error, ValueError):
        return None


def secret_fault(text: str, least: int = SECRET_BYTES) -> str | None:
    """Say what is wrong with a secret without quoting it; None when it is good.

    RFC 7518 section 3.2 wants an HS256 key of at least 32 bytes and RFC 8725 section 3.5
    forbids one that a human could remember.
    """
    raw = decode_secret(text)
    if raw is None:
        return "is neither hex nor base64"
    if len(raw) < least:
        return f"has {len(raw)} bytes after decoding and needs at least {least}"
    if raw in map(decode_secret, PUBLISHED_KEYS):
        return "is a published example that every attacker tries first"
    steps = {(b - a) % 256 for a, b in pairwise(raw)}
    repeats = text in (text + text)[1:-1]
    if repeats or len(set(raw)) < least * 5 // 8 or len(steps) < least // 2:
        return "repeats itself; it is not random"
    plain = raw.isascii() and raw.decode().isprintable()
    if plain or (len(raw) * 2 != len(text) and _made_of_words(text)):
        return "is made of words or plain text; it is not random"
    return None


def _made_of_words(text: str) -> bool:
    """Tell whether base64 text reads like language.

    In random base64 a third of all neighbours are of one kind (two small letters, two capitals,
    two digits), in words most are; and nobody draws one of these words by chance.
    """
    kinds = [_kind(char) for char in text.rstrip("=")]
    alike = sum(a == b for a, b in pairwise(kinds))
    return alike > MAX_ALIKE * len(kinds) or any(word in text.lower() for word in WORDS)


def _kind(char: str) -> str:
    if char.isdigit():
        return "digit"
    return "small" if char.islower() else "capital" if char.isupper() else char


@dataclass(frozen=True)
class Settings:
    """Everything an operator can set. Times are seconds, memory is KiB."""

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
        """True when something else ends TLS, or TRUSTED_PROXIES says so: gunicorn speaks http."""
        return bool(self.trusted_proxies) or self.public_url.startswith("https:")

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Check `environ`; without it, this process's environment over the file `.env`.

        Raises:
            SettingsError: with every fault, when there is at least one.

        """
        if environ is None:
            kept, faults = _dotenv(ROOT / ".env")
            return _Reader({**kept, **os.environ}, faults).settings()
        return _Reader(environ, []).settings()


class _Reader:
    """Collects faults instead of stopping at the first."""

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
        built = Settings(
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
        return built

    def fault(self, name: str, wrong: str, mend: str) -> None:
        self.faults.append(f"{name} {wrong}: {mend}.")

    def text(self, name: str, default: str = "") -> str:
        return self.environ.get(name, "").strip() or default

    def number(self, name: str, default: int, least: int, most: int) -> int:
        given = self.text(name, str(default))
        if re.fullmatch(r"[0-9]{1,9}", given) and least <= int(given) <= most:
            return int(given)
        self.fault(name, "is out of range", f"use a whole number from {least} to {most}")
        return default

    def duration(self, name: str, default: int, least: int, most: int) -> int:
        match = _DURATION.fullmatch(self.text(name, str(default)))
        seconds = int(match[1]) * _UNITS[match[2]] if match else -1
        if least <= seconds <= most:
            return seconds
        self.fault(
            name, "is out of range", f"use seconds from {least} to {most} (or 90s, 10m, 12h)"
        )
        return default

    def refresh_ttl(self, name: str, default: int) -> int:
        return self.duration(name, default, 1, MAX_REFRESH_TTL)

    def origin(self, name: str, default: str) -> str:
        wrong = self.fault
        try:
            url = urlsplit(self.text(name, default))
            host, port = url.hostname or "", url.port
        except ValueError:
            wrong(name, "is not a URL", "use the form https://app.example.com")
            return default
        if url.scheme not in {"http", "https"} or not _HOST.fullmatch(host):
            wrong(name, "is not an http(s) origin", "use the form https://app.example.com")
        if url.path not in {"", "/"} or url.query or url.fragment or "@" in url.netloc:
            wrong(name, "has more than scheme, host and port", "cut it after the host")
        if self.deployed and url.scheme != "https":
            wrong(name, f"must be https in {self.env}", "the refresh cookie is Secure")
        if self.development and url.scheme == "http" and not is_this_machine(host):
            # No browser keeps a Secure cookie of such a site, nor lets its script use a key.
            unfit = "is http on another host than localhost, where log-ins cannot work"
            wrong(name, unfit, f"use {default}, or https")
        usual = {"http": 80, "https": 443}.get(url.scheme)
        return f"{url.scheme}://{host}" + (f":{port}" if port and port != usual else "")

    def audience(self, public_url: str) -> str:
        audience = self.text("JWT_AUDIENCE")
        if not audience:
            return f"{public_url}/api"
        if not re.fullmatch(r"[\x21-\x7e]{1,255}", audience):
            self.fault("JWT_AUDIENCE", "is not one plain word", "use a URL or a name, no spaces")
        if audience == f"{public_url}/auth/refresh":
            self.fault("JWT_AUDIENCE", "is the refresh token's audience", "use another value")
        return audience

    def jwt_secrets(self) -> tuple[bytes, tuple[bytes, ...]]:
        current = self.secret("JWT_SECRET", SECRET_BYTES)
        former = [part.strip() for part in self.text("JWT_SECRET_PREVIOUS").split(",")]
        previous = [self.checked("JWT_SECRET_PREVIOUS", p, SECRET_BYTES) for p in former if p]
        if current and current in previous:
            self.fault(
                "JWT_SECRET_PREVIOUS", "holds JWT_SECRET itself", "list only former secrets"
            )
        return current, tuple(previous)

    def secret_key(self, jwt_secret: bytes) -> str:
        raw = self.secret("SECRET_KEY", FORM_KEY_BYTES)
        if raw and raw == jwt_secret:
            self.fault(
                "SECRET_KEY", "equals JWT_SECRET", "give each its own; one leak must not be two"
            )
        return base64.urlsafe_b64encode(raw).decode()

    def secret(self, name: str, least: int) -> bytes:
        given = self.text(name)
        if not given and self.development:
            given = self.kept_secret(name)
            if not given:
                return b""
        if not given:
            self.fault(name, "is missing", "make one with 'flask --app wsgi secrets new'")
            return b""
        return self.checked(name, given, least)

    def checked(self, name: str, given: str, least: int) -> bytes:
        wrong = secret_fault(given, least)
        if wrong:
            self.fault(name, wrong, "make one with 'flask --app wsgi secrets new'")
        return decode_secret(given) or b""

    def prepare_instance(self) -> None:
        try:
            self.instance.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            self.fault(
                "instance/", f"cannot be made ({error.strerror})", "make the folder writable"
            )

    def kept_secret(self, name: str) -> str:
        """Return the development secret of that name, made once and kept with mode 0600."""
        path = self.instance / f"{name.lower()}.txt"
        try:
            _write_once(path, new_secret())
            return path.read_text(encoding="ascii").strip()
        except OSError as error:
            self.fault(
                "instance/", f"is not usable ({error.strerror})", "make the folder writable"
            )
            return ""

    def database_url(self) -> str:
        kept = f"sqlite:///{self.instance / 'latchkey.db'}" if self.development else ""
        given = self.text("DATABASE_URL", kept)
        if not given:
            self.fault("DATABASE_URL", "is missing", "only development has a bundled database")
            return ""
        try:
            url = make_url(given)
        except (ArgumentError, ValueError):
            url = None
        if (
            url is None
            or url.drivername not in {"sqlite", "postgresql+psycopg"}
            or url.database in {None, "", ":memory:"}
        ):
            mend = "use sqlite:////absolute/path or postgresql+psycopg://user@host/name"
            self.fault("DATABASE_URL", "is not a database Latchkey knows", mend)
        return given

    def database_pooler(self) -> bool:
        given = self.text("DATABASE_POOLER")
        if given not in {"", "transaction"}:
            mend = "use 'transaction' behind a pooler in transaction mode, else leave it empty"
            self.fault("DATABASE_POOLER", "is not a kind of pooler", mend)
        return given == "transaction"

    def redis_url(self) -> str:
        kept = f"unix://{self.instance / 'valkey.sock'}" if self.development else ""
        given = self.text("REDIS_URL", kept)
        if not given:
            self.fault("REDIS_URL", "is missing", "only development has a bundled Valkey")
        elif not _is_redis_url(given):
            mend = "use redis://host:6379/0, rediss:// or unix:///path"
            self.fault("REDIS_URL", "is not a Redis URL", mend)
        return given

    def operators(self) -> frozenset[str]:
        given = self.words("OPERATORS")
        if not all(re.fullmatch(_USER_ID, one) for one in given):
            mend = "use ids of accounts, not e-mail addresses; /api/me shows one's own"
            self.fault("OPERATORS", "holds what is no id of an account", mend)
        return frozenset(given)

    def product_name(self) -> str:
        given = self.text("PRODUCT_NAME", "Latchkey")
        if len(given) > MAX_NAME_LENGTH or not given.isprintable():
            mend = f"use one line of at most {MAX_NAME_LENGTH} characters"
            self.fault("PRODUCT_NAME", "is no name", mend)
        return given

    def static_file(self, name: str, suffix: str, default: str = "") -> str:
        """Return the path of a file in static/, relative to it."""
        given = self.text(name, default)
        if given != default and not _is_file(ROOT / "static", given, suffix):
            mend = f"name a {suffix} file there, as in brand/product{suffix}"
            self.fault(name, "is no such file in static/", mend)
        return given

    def sources(self, name: str, *schemes: str) -> tuple[str, ...]:
        """Return origins for a directive of the Content-Security-Policy.

        No keyword, no wildcard and no path can pass: one `'unsafe-inline'` or `*` here would undo
        what the policy is for. Plain http is for development alone.
        """
        insecure = {"https": "http", "wss": "ws"}
        allowed = {*schemes, *(insecure[one] for one in schemes if self.development)}
        given = self.words(name)
        if not all(_is_source(one, allowed) for one in given):
            mend = (
                f"use {' or '.join(f'{one}://host' for one in schemes)}, without path or wildcard"
            )
            self.fault(name, "holds what is no origin", mend)
        return tuple(given)

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


def _is_file(folder: Path, given: str, suffix: str) -> bool:
    if not given.isprintable() or not given.endswith(suffix):
        return False
    path = (folder / given).resolve()
    return path.is_file() and path.is_relative_to(folder.resolve())


def _is_source(given: str, schemes: Collection[str]) -> bool:
    scheme, _, rest = given.partition("://")
    host, colon, port = rest.partition(":")
    numbered = bool(_PORT.fullmatch(port)) if colon else True
    return scheme in schemes and bool(_HOST.fullmatch(host)) and numbered


def is_this_machine(host: str) -> bool:
    """Tell whether browsers take plain http from `host` for secure: only this machine's names.

    W3C Secure Contexts, section 3.1: `localhost`, what ends in `.localhost`, and loopback.
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _dotenv(path: Path) -> tuple[dict[str, str], list[str]]:
    """Read the file `.env`, if there is one: its variables, and what is wrong with it.

    Nothing is replaced inside a value: a password may hold a `$`. FLASK_SKIP_DOTENV has the
    meaning that Flask's command line gives it.
    """
    if os.environ.get("FLASK_SKIP_DOTENV", "0").lower() not in {"", "0", "false", "no"}:
        return {}, []
    found: dict[str, str] = {}
    faults = []
    try:
        with path.open(encoding="utf-8") as file:
            others_can_read = os.fstat(file.fileno()).st_mode & stat.S_IROTH
            for line in parse_stream(file):
                where = f"{path.name} line {line.original.line}"
                if line.error or (line.key is not None and line.value is None):
                    faults.append(f"{where} is not a setting: write NAME=value.")
                elif line.key in found:
                    faults.append(f"{where} sets {line.key} again: keep one of the two.")
                elif line.key is not None:
                    found[line.key] = line.value or ""
    except FileNotFoundError:
        return {}, []
    except UnicodeDecodeError:
        return {}, [f"{path.name} is not UTF-8 text: write it anew."]
    except OSError as error:
        return {}, [f"{path.name} cannot be read ({error.strerror}): mend or remove it."]
    if others_can_read and _holds_a_secret(found):
        faults.append(
            f"{path.name} holds secrets and everybody can read it: chmod 600 {path.name}."
        )
    return found, faults


def _holds_a_secret(found: Mapping[str, str]) -> bool:
    return any(found.get(name) for name in _SECRETS) or any(
        _PASSWORD_IN_URL.search(found.get(name, "")) for name in ("DATABASE_URL", "REDIS_URL")
    )


def _is_redis_url(given: str) -> bool:
    try:
        parse_url(given)  # type: ignore[no-untyped-call]
    except ValueError:
        return False
    return True


def _write_once(path: Path, text: str) -> None:
    """Create `path` with mode 0600 unless it is there; two processes never see half a file."""
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
    """Print what a server needs to know as JSON; with a bad environment, say why and exit 1."""
    try:
        settings = Settings.from_env()
    except SettingsError as error:
        sys.exit(str(error))
    needed = ("env", "host", "port", "workers", "public_url")
    said = {name: getattr(settings, name) for name in needed} | {"threads": THREADS}
    said["this_machine"] = is_this_machine(settings.host)
    print(json.dumps(said))  # noqa: T201 - its one purpose


if __name__ == "__main__":
    main()
