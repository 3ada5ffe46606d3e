from __future__ import annotations

import base64
import json
import multiprocessing
import os
import secrets
import stat
from pathlib import Path

import pytest

import config
from config import PUBLISHED_KEYS, Settings, SettingsError, decode_secret, new_secret

GOOD = {
    "APP_ENV": "production",
    "PUBLIC_URL": "https://app.example.com",
    "JWT_SECRET": new_secret(),
    "SECRET_KEY": new_secret(),
    "DATABASE_URL": "postgresql+psycopg://latchkey:db-pass@db.example.com/latchkey",
    "REDIS_URL": "rediss://:redis-pass@redis.example.com:6379/0",
}
MIXED = bytes(range(7, 251, 5)) + b"\xff\x03\x9a\x41"


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


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that development keeps its secrets in; it does not exist yet."""
    monkeypatch.setattr(config, "ROOT", tmp_path)
    monkeypatch.delenv("FLASK_SKIP_DOTENV")
    return tmp_path / "instance"


def test_a_good_environment_is_read() -> None:
    """What is set is taken, everything else has its documented default."""
    settings = Settings.from_env(GOOD)
    assert settings.env == "production"
    assert settings.public_url == "https://app.example.com"
    assert settings.audience == "https://app.example.com/api"
    assert settings.jwt_secret == decode_secret(GOOD["JWT_SECRET"])
    assert decode_secret(settings.secret_key) == decode_secret(GOOD["SECRET_KEY"])
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert (settings.access_ttl, settings.clock_leeway) == (600, 5)
    assert (settings.refresh_idle_ttl, settings.refresh_absolute_ttl) == (43200, 86400)
    assert (settings.remember_idle_ttl, settings.remember_absolute_ttl) == (604800, 2592000)
    argon2 = (settings.argon2_memory_kib, settings.argon2_time, settings.argon2_parallelism)
    assert argon2 == (47104, 1, 1)
    assert (settings.password_min_length, settings.trusted_proxies) == (15, 0)
    assert settings.jwt_secret_previous == ()
    assert (settings.max_body_bytes, settings.operators) == (65536, frozenset())
    assert (settings.product_name, settings.brand_css) == ("Latchkey", "")
    assert settings.brand_logo == "img/latch.svg"
    assert settings.csp_img_src == settings.csp_connect_src == ()
    assert settings.database_url == GOOD["DATABASE_URL"]
    assert settings.redis_url == GOOD["REDIS_URL"]


RANGES = {
    "ACCESS_TOKEN_TTL": (["60", "900", "10m", "90s"], ["59", "901", "16m", "0"]),
    "CLOCK_LEEWAY": (["0", "30"], ["31", "1m"]),
    "REFRESH_IDLE_TTL": (["1", "12h", "30d"], ["0", "31d", "2592001"]),
    "REFRESH_ABSOLUTE_TTL": (["24h", "30d"], ["0", "721h"]),
    "REMEMBER_IDLE_TTL": (["7d"], ["31d"]),
    "REMEMBER_ABSOLUTE_TTL": (["30d", "2592000"], ["31d", "2592001", "999999999d"]),
    "PORT": (["1", "65535"], ["0", "65536"]),
    "WEB_CONCURRENCY": (["1", "256"], ["0", "257"]),
    "PASSWORD_MIN_LENGTH": (["8", "64"], ["7", "65"]),
    "TRUSTED_PROXIES": (["0", "1", "10"], ["11"]),
    "MAX_BODY_BYTES": (["65536", "33554432"], ["65535", "33554433", "64k"]),
    "ARGON2_TIME": (["1", "100"], ["0", "101"]),
    "ARGON2_PARALLELISM": (["1", "64"], ["0", "65"]),
}
NO_NUMBERS = [
    "-1",
    "1.5",
    "1e2",
    "ten",
    "0x10",
    "+5",
    "1 0",
    "\u0661\u0662\u0660",
    "6_0",
    "9" * 400,
]


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, (good, _) in RANGES.items() for value in good]
)
def test_a_number_in_its_range_is_taken(name: str, value: str) -> None:
    """Both ends belong to the range, and times may be written with a unit."""
    assert faults(**{name: value}) == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, (_, bad) in RANGES.items() for value in (*bad, *NO_NUMBERS)],
)
def test_a_number_out_of_its_range_is_refused(name: str, value: str) -> None:
    """The variable is named, with the range, and nothing else is at fault."""
    report = faults(**{name: value})
    assert names(report) == [name]
    assert "is out of range: use" in report


def test_a_time_with_a_unit_is_in_seconds() -> None:
    """Minutes, hours and days are what people write."""
    settings = Settings.from_env(GOOD | {"ACCESS_TOKEN_TTL": "10m", "REFRESH_IDLE_TTL": "2d"})
    assert (settings.access_ttl, settings.refresh_idle_ttl) == (600, 172800)


@pytest.mark.parametrize("name", ["testing", "staging", "production"])
def test_a_known_environment_is_taken(name: str) -> None:
    """The four names, and no others; `development` is tested with its folder."""
    assert Settings.from_env(GOOD | {"APP_ENV": name}).env == name


@pytest.mark.parametrize("name", ["prod", "Production", "PRODUCTION", "test", "dev", "none"])
def test_an_unknown_environment_is_refused(name: str) -> None:
    """A misspelt environment is no development."""
    assert names(faults(APP_ENV=name)) == ["APP_ENV"]


ORIGINS = {
    "https://app.example.com": "https://app.example.com",
    "https://app.example.com/": "https://app.example.com",
    "https://APP.Example.com": "https://app.example.com",
    "https://app.example.com:443": "https://app.example.com",
    "https://app.example.com:8443": "https://app.example.com:8443",
    "https://localhost": "https://localhost",
    " https://app.example.com ": "https://app.example.com",
}
NO_ORIGINS = [
    "app.example.com",
    "//app.example.com",
    "ftp://app.example.com",
    "javascript:alert(1)",
    "https://",
    "https:///path",
    "https://user@app.example.com",
    "https://user:pass@app.example.com",
    "https://app.example.com/path",
    "https://app.example.com?query",
    "https://app.example.com#fragment",
    "https://app.example.com:port",
    "https://app.example.com:99999",
    "https://app_example.com",
    "https://app.example.com,https://other.example.com",
    "https://*.example.com",
    "https://app..example.com",
    "https://-app.example.com",
    "https://[::1",
    "https://app.ex\u00e4mple.com",
    "https://app.example.com\\@evil.example",
]


@pytest.mark.parametrize(("given", "origin"), ORIGINS.items())
def test_an_origin_has_one_spelling(given: str, origin: str) -> None:
    """What browsers send as Origin is what is compared, however the operator wrote it."""
    assert Settings.from_env(GOOD | {"PUBLIC_URL": given}).public_url == origin


@pytest.mark.parametrize("given", NO_ORIGINS)
def test_what_is_no_origin_is_refused(given: str) -> None:
    """Scheme, host and port, and nothing else."""
    assert "PUBLIC_URL" in names(faults(PUBLIC_URL=given))


@pytest.mark.parametrize("env", ["staging", "production"])
def test_deployed_is_https(env: str) -> None:
    """Plain http is refused where strangers can listen; on a developer's machine it is not."""
    report = faults(APP_ENV=env, PUBLIC_URL="http://app.example.com")
    assert f"PUBLIC_URL must be https in {env}" in report
    assert faults(APP_ENV="testing", PUBLIC_URL="http://localhost:8000") == ""


@pytest.mark.parametrize("env", ["staging", "production"])
def test_no_debugger_where_strangers_are(env: str) -> None:
    """FLASK_DEBUG would show tracebacks; switched off it may be named."""
    assert names(faults(APP_ENV=env, FLASK_DEBUG="1")) == ["FLASK_DEBUG"]
    for off in ("", "0", "false", "No"):
        assert faults(APP_ENV=env, FLASK_DEBUG=off) == ""
    assert faults(APP_ENV="testing", FLASK_DEBUG="1") == ""


@pytest.mark.parametrize("given", ["https://api.example.com", "latchkey", "urn:x"])
def test_an_audience_is_one_word(given: str) -> None:
    """A URL or a name."""
    assert Settings.from_env(GOOD | {"JWT_AUDIENCE": given}).audience == given


@pytest.mark.parametrize(
    "given", ["two words", "\u00fcber", "x" * 256, "a\tb", "https://app.example.com/auth/refresh"]
)
def test_an_audience_that_is_none_is_refused(given: str) -> None:
    """Nor may it be the refresh token's: the two must stay apart."""
    assert names(faults(JWT_AUDIENCE=given)) == ["JWT_AUDIENCE"]


# -- secrets -------------------------------------------------------------------------------

WEAK_SECRETS = {
    "a-word": "hunter2",
    "spaces": "correct horse battery staple correct horse",
    "not-base64": "p\u00e4ssw\u00f6rd" * 8,
    "31-bytes-hex": MIXED[:31].hex(),
    "31-bytes-base64": base64.b64encode(MIXED[:31]).decode(),
    "31-bytes-base64url": base64.urlsafe_b64encode(MIXED[:31]).rstrip(b"=").decode(),
    "zeros": "0" * 64,
    "one-byte": base64.b64encode(b"\xa7" * 48).decode(),
    "one-letter": "A" * 64,
    "two-bytes": base64.b64encode(b"\xa7\x13" * 24).decode(),
    "half-twice": secrets.token_hex(16) * 2,
    "counting": bytes(range(48)).hex(),
    "counting-by-three": bytes(range(0, 144, 3)).hex(),
    "hex-digits-in-order": "0123456789abcdef" * 4,
    "alphabet": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789ab",
    "words": "correcthorsebatterystaplecorrecthorsebatterystaple",
    "words-with-dashes": "this-is-a-very-long-secret-for-production-use-only",
    "placeholder": "change-me-change-me-change-me-change-me-change-me-now",
    "your-secret": "your-256-bit-secret-your-256-bit-secret-your-256",
    "super-secret": "super-secret-jwt-signing-key-that-nobody-will-guess",
    "text-in-base64": base64.b64encode(b"a sentence that somebody encoded as base64").decode(),
    "text-in-hex": b"a sentence that somebody encoded as hex digits".hex(),
    "rfc-7515": PUBLISHED_KEYS[0],
    "rfc-7520": PUBLISHED_KEYS[1],
    "rfc-7515-padded": PUBLISHED_KEYS[0] + "==",
    "rfc-7515-standard-alphabet": PUBLISHED_KEYS[0].replace("-", "+").replace("_", "/"),
    "rfc-7515-in-hex": (decode_secret(PUBLISHED_KEYS[0]) or b"").hex(),
    "three-equals-signs": new_secret() + "===",
    "impossible-length": new_secret() + "A",
}


@pytest.mark.parametrize("name", ["JWT_SECRET", "JWT_SECRET_PREVIOUS"])
@pytest.mark.parametrize("given", WEAK_SECRETS.values(), ids=WEAK_SECRETS.keys())
def test_a_weak_secret_is_refused(name: str, given: str) -> None:
    """Short, repeated, counted, worded and published ones; and none is repeated in the report."""
    report = faults(**{name: given})
    assert names(report) == [name]
    assert "flask --app wsgi secrets new" in report
    assert given not in report


@pytest.mark.parametrize(
    "make",
    [
        new_secret,
        lambda: secrets.token_hex(32),
        lambda: secrets.token_hex(32).upper(),
        lambda: base64.b64encode(secrets.token_bytes(32)).decode(),
        lambda: base64.b64encode(secrets.token_bytes(48)).decode(),
        lambda: secrets.token_urlsafe(32),
        lambda: secrets.token_urlsafe(64),
    ],
    ids=["own", "hex", "upper-hex", "base64-32", "base64-48", "base64url-32", "base64url-64"],
)
def test_a_random_secret_is_taken(make: object) -> None:
    """Whatever tool made it: hex, base64 and base64url of at least 32 random bytes."""
    assert callable(make)
    for _ in range(100):
        assert config.secret_fault(make()) is None


def test_the_form_key_needs_sixteen_bytes() -> None:
    """It signs form tokens only; a shorter or a worded one is refused like any secret."""
    assert faults(SECRET_KEY=secrets.token_hex(16)) == ""
    assert names(faults(SECRET_KEY=secrets.token_hex(15))) == ["SECRET_KEY"]
    assert names(faults(SECRET_KEY="dev")) == ["SECRET_KEY"]
    assert names(faults(SECRET_KEY="00" * 16)) == ["SECRET_KEY"]


def test_the_two_secrets_must_differ() -> None:
    """Also when they are spelt differently: one leak must not be two."""
    raw = secrets.token_bytes(48)
    spelt = {"JWT_SECRET": raw.hex(), "SECRET_KEY": base64.b64encode(raw).decode()}
    report = faults(**spelt)
    assert names(report) == ["SECRET_KEY"]
    assert "equals JWT_SECRET" in report


def test_former_secrets_are_a_list() -> None:
    """Separated by commas, blanks and empty places ignored, in their order."""
    first, second = new_secret(), new_secret()
    settings = Settings.from_env(GOOD | {"JWT_SECRET_PREVIOUS": f" {first} ,, {second},"})
    assert settings.jwt_secret_previous == (decode_secret(first), decode_secret(second))


def test_the_current_secret_is_no_former_one() -> None:
    """Whoever lists it forgot to change it."""
    report = faults(JWT_SECRET_PREVIOUS=f"{new_secret()},{GOOD['JWT_SECRET']}")
    assert names(report) == ["JWT_SECRET_PREVIOUS"]
    assert "holds JWT_SECRET itself" in report


def test_decoding_knows_hex_base64_and_base64url() -> None:
    """Three spellings of the same bytes, with and without padding, and nothing else."""
    raw = b"\xfb\xef\xbe\x01" * 2
    spellings = [raw.hex(), base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()]
    assert {decode_secret(text) for text in spellings} == {raw}
    assert decode_secret("++--") == decode_secret("----")
    for text in ("", " ", "a b", "\u00fc", "x" * 5, "=", "ab=cd"):
        assert decode_secret(text) is None


def test_settings_do_not_print_secrets() -> None:
    """A `repr` in a trace has no secret, and no password of a server."""
    previous = new_secret()
    settings = Settings.from_env(GOOD | {"JWT_SECRET_PREVIOUS": previous})
    shown = repr(settings)
    for secret in (settings.jwt_secret, *settings.jwt_secret_previous):
        assert repr(secret) not in shown
    assert settings.secret_key not in shown
    assert not any(word in shown for word in ("db-pass", "redis-pass", GOOD["JWT_SECRET"]))


# -- servers -------------------------------------------------------------------------------


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


# -- the whole report -----------------------------------------------------------------------


@pytest.mark.parametrize("env", ["testing", "staging", "production"])
def test_outside_development_nothing_secret_has_a_default(env: str, instance: Path) -> None:
    """Both secrets and both servers must be named, and no folder is made."""
    with pytest.raises(SettingsError) as refused:
        Settings.from_env({"APP_ENV": env, "PUBLIC_URL": "https://app.example.com"})
    missing = ["JWT_SECRET", "SECRET_KEY", "DATABASE_URL", "REDIS_URL"]
    assert [fault.split()[0] for fault in refused.value.faults] == missing
    assert all("is missing" in fault for fault in refused.value.faults)
    assert not instance.exists()


def test_all_faults_are_reported_at_once() -> None:
    """Each with its variable, what is wrong and how to mend it, and without a value."""
    wrong = {
        "APP_ENV": "prod",
        "PUBLIC_URL": "ftp://app.example.com",
        "JWT_SECRET": "hunter2",
        "JWT_SECRET_PREVIOUS": "xhunter,yhunter",
        "SECRET_KEY": "hunter5",
        "ACCESS_TOKEN_TTL": "1d",
        "DATABASE_URL": "mysql://u:hunter6@db/x",
        "REDIS_URL": "http://:hunter7@redis",
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


def test_blank_is_unset() -> None:
    """A variable that a template left empty has its default."""
    assert Settings.from_env(GOOD | {"PORT": "  ", "JWT_SECRET_PREVIOUS": ""}).port == 8000
    assert names(faults(JWT_SECRET="  ")) == ["JWT_SECRET"]


# -- development ------------------------------------------------------------------------------


def test_development_makes_what_it_needs(instance: Path) -> None:
    """Without any variable: secrets, SQLite and Valkey's socket in `instance/`."""
    settings = Settings.from_env({})
    assert (settings.env, settings.public_url) == ("development", "http://localhost:8000")
    assert settings.database_url == f"sqlite:///{instance / 'latchkey.db'}"
    assert settings.redis_url == f"unix://{instance / 'valkey.sock'}"
    assert len(settings.jwt_secret) == 48
    assert base64.urlsafe_b64encode(settings.jwt_secret).decode() != settings.secret_key


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8000",
        "http://LOCALHOST",
        "http://shop.localhost:8000",
        "http://127.0.0.1:8000",
        "http://127.8.9.10",
        "https://app.example.com",
    ],
)
@pytest.mark.usefixtures("instance")
def test_development_is_where_browsers_have_a_secure_context(url: str) -> None:
    """This machine's names, or https."""
    assert Settings.from_env({"PUBLIC_URL": url}).env == "development"


@pytest.mark.parametrize(
    "url",
    [
        "http://app.example.com",
        "http://192.168.1.20:8000",
        "http://raspberrypi:8000",
        "http://localhost.example.com",
        "http://mylocalhost",
        "http://0.0.0.0:8000",
    ],
)
@pytest.mark.usefixtures("instance")
def test_development_elsewhere_without_tls_is_refused(url: str) -> None:
    """No browser keeps the cookie there, nor has a key: the page would only fail."""
    with pytest.raises(SettingsError) as refused:
        Settings.from_env({"PUBLIC_URL": url, "PORT": "8123"})
    (fault,) = refused.value.faults
    assert fault.startswith("PUBLIC_URL is http on another host than localhost")
    assert fault.endswith("use http://localhost:8123, or https.")


def test_the_port_moves_the_default_address(instance: Path) -> None:
    """The issuer is where the site is."""
    assert Settings.from_env({"PORT": "8123"}).public_url == "http://localhost:8123"
    assert instance.is_dir()


def test_kept_secrets_are_for_their_owner_alone(instance: Path) -> None:
    """The files have mode 0600 and the folder 0700, whatever the umask."""
    before = os.umask(0)
    try:
        Settings.from_env({})
    finally:
        os.umask(before)
    files = sorted(path.name for path in instance.iterdir())
    assert files == ["jwt_secret.txt", "secret_key.txt"]
    for name in files:
        assert stat.S_IMODE((instance / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(instance.stat().st_mode) == 0o700


def test_kept_secrets_are_kept(instance: Path) -> None:
    """A second start has the secrets of the first, another folder has others."""
    first, second = Settings.from_env({}), Settings.from_env({})
    assert (first.jwt_secret, first.secret_key) == (second.jwt_secret, second.secret_key)
    for path in instance.iterdir():
        path.unlink()
    assert Settings.from_env({}).jwt_secret != first.jwt_secret


def test_a_given_secret_is_not_kept(instance: Path) -> None:
    """What the environment names is taken and written nowhere."""
    given = {"JWT_SECRET": new_secret(), "SECRET_KEY": new_secret()}
    assert Settings.from_env(given).jwt_secret == decode_secret(given["JWT_SECRET"])
    assert list(instance.iterdir()) == []


def test_a_fault_elsewhere_is_the_only_one_reported(instance: Path) -> None:
    """In development no secret is missing, also when another variable is wrong."""
    with pytest.raises(SettingsError) as refused:
        Settings.from_env({"PORT": "none"})
    assert [fault.split()[0] for fault in refused.value.faults] == ["PORT"]
    assert instance.is_dir()


def test_a_kept_secret_that_was_spoilt_is_refused(instance: Path) -> None:
    """What is in the file is held to the same rules."""
    instance.mkdir()
    (instance / "jwt_secret.txt").write_text("secret")
    with pytest.raises(SettingsError, match=r"JWT_SECRET has 4 bytes"):
        Settings.from_env({})


def test_a_folder_that_cannot_be_made_is_a_fault(tmp_path: Path, instance: Path) -> None:
    """A sentence, and no trace."""
    instance.write_text("in the way")
    with pytest.raises(SettingsError) as refused:
        Settings.from_env({})
    assert refused.value.faults[0].startswith("instance/ cannot be made (File exists)")
    assert tmp_path.is_dir()


def test_a_folder_that_cannot_be_used_is_a_fault(instance: Path) -> None:
    """A secret's place that is taken by a folder is a sentence too."""
    (instance / "jwt_secret.txt").mkdir(parents=True)
    with pytest.raises(SettingsError) as refused:
        Settings.from_env({})
    assert refused.value.faults[0].startswith("instance/ is not usable (Is a directory)")


def read_secret(root: Path, answers: multiprocessing.SimpleQueue[bytes]) -> None:
    """Start as one of several processes."""
    config.ROOT = root  # type: ignore[misc]
    answers.put(Settings.from_env({}).jwt_secret)


def test_processes_that_start_together_have_one_secret(tmp_path: Path) -> None:
    """Who comes second takes the first one's secret, and never half a file."""
    context = multiprocessing.get_context("fork")
    answers: multiprocessing.SimpleQueue[bytes] = context.SimpleQueue()
    started = [context.Process(target=read_secret, args=(tmp_path, answers)) for _ in range(4)]
    for process in started:
        process.start()
    for process in started:
        process.join()
    assert len({answers.get() for _ in started}) == 1


def test_a_secret_written_meanwhile_wins(instance: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look and the write another process may be faster."""
    instance.mkdir()
    path, link = instance / "jwt_secret.txt", os.link

    def slow(draft: Path, target: Path) -> None:
        if target == path and not path.exists():
            path.write_text(GOOD["JWT_SECRET"])
        link(draft, target)

    monkeypatch.setattr(os, "link", slow)
    assert Settings.from_env({}).jwt_secret == decode_secret(GOOD["JWT_SECRET"])
    assert sorted(path.name for path in instance.iterdir()) == ["jwt_secret.txt", "secret_key.txt"]


# -- the file .env ------------------------------------------------------------------------------


@pytest.fixture
def dotenv(instance: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file beside config.py, which is not there yet, and an empty environment."""
    for name in list(os.environ):
        monkeypatch.delenv(name)
    return instance.with_name(".env")


def written(path: Path, text: str, mode: int = 0o600) -> None:
    """Write the file and set its mode."""
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


def dotenv_faults() -> tuple[str, ...]:
    """Return what this process's environment and the file have wrong."""
    with pytest.raises(SettingsError) as refused:
        Settings.from_env()
    return refused.value.faults


def test_no_file_is_no_fault(dotenv: Path) -> None:
    """Nobody has to write one."""
    assert not dotenv.exists()
    assert Settings.from_env().port == 8000


def test_the_file_is_read_under_the_environment(
    dotenv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Quotes, comments and `export` as usual; a variable that is set overrules it."""
    written(dotenv, "# mine\nexport PORT=8123\nCLOCK_LEEWAY='7'\nPASSWORD_MIN_LENGTH=12 # short\n")
    settings = Settings.from_env()
    assert (settings.port, settings.clock_leeway, settings.password_min_length) == (8123, 7, 12)
    monkeypatch.setenv("PORT", "8456")
    assert Settings.from_env().port == 8456


def test_a_given_environment_has_no_file(dotenv: Path) -> None:
    """Whoever passes one has said everything."""
    written(dotenv, "PORT=8123\n")
    assert Settings.from_env({}).port == 8000


def test_a_value_is_taken_as_it_stands(dotenv: Path) -> None:
    """A password may look like a variable."""
    url = "postgresql+psycopg://u:pa${HOME}$x@db.example.com/latchkey"
    written(dotenv, f"HOME=/root\nDATABASE_URL='{url}'\n")
    assert Settings.from_env().database_url == url


@pytest.mark.parametrize("value", ["1", "true", "yes"])
def test_flask_skip_dotenv_is_honoured(
    dotenv: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    """As on Flask's command line; switched off, it is no switch."""
    written(dotenv, "PORT=8123\n")
    monkeypatch.setenv("FLASK_SKIP_DOTENV", value)
    assert Settings.from_env().port == 8000
    for off in ("", "0", "false", "No"):
        monkeypatch.setenv("FLASK_SKIP_DOTENV", off)
        assert Settings.from_env().port == 8123


def test_its_faults_have_file_and_line(dotenv: Path) -> None:
    """No line is passed over, and none is quoted; the other faults are told with them."""
    written(dotenv, "PORT=0\nJWT_SECRET\nthis is hunter2\n'=x\nCLOCK_LEEWAY=1\nCLOCK_LEEWAY=2\n")
    told = dotenv_faults()
    assert told == (
        ".env line 2 is not a setting: write NAME=value.",
        ".env line 3 is not a setting: write NAME=value.",
        ".env line 4 is not a setting: write NAME=value.",
        ".env line 6 sets CLOCK_LEEWAY again: keep one of the two.",
        "PORT is out of range: use a whole number from 1 to 65535.",
    )


@pytest.mark.parametrize(
    "line",
    [
        f"JWT_SECRET={new_secret()}",
        f"SECRET_KEY={new_secret()}",
        f"JWT_SECRET_PREVIOUS={new_secret()}",
        "DATABASE_URL=postgresql+psycopg://u:hunter2@db/x",
        "REDIS_URL=redis://:hunter2@redis:6379/0",
    ],
    ids=["JWT_SECRET", "SECRET_KEY", "JWT_SECRET_PREVIOUS", "DATABASE_URL", "REDIS_URL"],
)
def test_secrets_that_everybody_can_read_are_refused(dotenv: Path, line: str) -> None:
    """0644 is what a copy of .env.example has; the group may read, as a service's user does."""
    written(dotenv, f"{line}\n", 0o644)
    assert dotenv_faults() == (".env holds secrets and everybody can read it: chmod 600 .env.",)
    dotenv.chmod(0o640)
    Settings.from_env()


def test_a_file_without_secrets_may_be_read(dotenv: Path) -> None:
    """A port is no secret, nor a variable left empty."""
    urls = "DATABASE_URL=sqlite:////tmp/x.db\nREDIS_URL=redis://redis:6379/0\n"
    written(dotenv, f"PORT=8123\nJWT_SECRET=\n{urls}", 0o644)
    assert Settings.from_env().port == 8123


def test_a_file_that_cannot_be_read_is_a_fault(dotenv: Path) -> None:
    """A folder of that name, or what is no text."""
    dotenv.write_bytes(b"PORT=\xff\n")
    assert dotenv_faults() == (".env is not UTF-8 text: write it anew.",)
    dotenv.unlink()
    dotenv.mkdir()
    assert dotenv_faults() == (".env cannot be read (Is a directory): mend or remove it.",)


# -- as a program -------------------------------------------------------------------------------


@pytest.mark.usefixtures("dotenv")
def test_main_prints_what_a_server_needs(capsys: pytest.CaptureFixture[str]) -> None:
    """As JSON, and no secret."""
    config.main()
    assert json.loads(capsys.readouterr().out) == {
        "env": "development",
        "host": "127.0.0.1",
        "port": 8000,
        "workers": 2,
        "public_url": "http://localhost:8000",
        "threads": config.THREADS,
        "this_machine": True,
    }


@pytest.mark.usefixtures("dotenv")
def test_main_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole report, and exit status 1."""
    monkeypatch.setenv("WEB_CONCURRENCY", "many")
    with pytest.raises(SystemExit, match="WEB_CONCURRENCY is out of range"):
        config.main()


def test_a_pooler_is_named_or_there_is_none() -> None:
    """Another mode needs no setting, so another word is a mistake."""
    assert Settings.from_env(GOOD | {"DATABASE_POOLER": "transaction"}).database_pooler is True
    assert Settings.from_env(GOOD).database_pooler is False
    assert names(faults(DATABASE_POOLER="session")) == ["DATABASE_POOLER"]


ID = "x" * 22


def test_operators_are_ids() -> None:
    """An address could be registered by somebody else first."""
    given = f"{ID}, {'y' * 22}"
    assert Settings.from_env(GOOD | {"OPERATORS": given}).operators == {ID, "y" * 22}
    for bad in ("ada@example.com", f"{ID} ada", "x" * 21, "x" * 23, "*"):
        assert names(faults(OPERATORS=bad)) == ["OPERATORS"]


def test_a_product_has_one_line_for_a_name() -> None:
    """It is in titles and mails."""
    assert Settings.from_env(GOOD | {"PRODUCT_NAME": "Åland Notes"}).product_name == "Åland Notes"
    for bad in ("two\nlines", "x" * 61, "a\x07b", "a\u202eb"):
        assert names(faults(PRODUCT_NAME=bad)) == ["PRODUCT_NAME"]


def test_a_brand_is_files_in_static(instance: Path) -> None:
    """Of the right kind, and of no other folder."""
    folder = instance.parent / "static" / "brand"
    folder.mkdir(parents=True)
    for name in ("a.css", "a.svg", "../../outside.css"):
        (folder / name).touch()
    good = {"BRAND_CSS": "brand/a.css", "BRAND_LOGO": "brand/a.svg"}
    settings = Settings.from_env(GOOD | good)
    assert (settings.brand_css, settings.brand_logo) == ("brand/a.css", "brand/a.svg")
    outside = str(instance.parent / "outside.css")
    for bad in ("brand/b.css", "brand/a.svg", "brand", "../outside.css", outside, "brand/a.css\0"):
        assert names(faults(BRAND_CSS=bad)) == ["BRAND_CSS"]
    assert names(faults(BRAND_LOGO="brand/a.css")) == ["BRAND_LOGO"]


def test_the_policy_takes_origins() -> None:
    """One or several, with or without a port; sockets where requests go."""
    given = "https://img.example, https://a-b.example.com:8443"
    settings = Settings.from_env(
        GOOD | {"CSP_IMG_SRC": given, "CSP_CONNECT_SRC": "wss://x.example"}
    )
    assert settings.csp_img_src == ("https://img.example", "https://a-b.example.com:8443")
    assert settings.csp_connect_src == ("wss://x.example",)


@pytest.mark.parametrize("name", ["CSP_IMG_SRC", "CSP_CONNECT_SRC"])
@pytest.mark.parametrize(
    "given",
    [
        "'self'",
        "'unsafe-inline'",
        "*",
        "https:",
        "data:",
        "img.example",
        "https://*.example",
        "https://img.example/path",
        "https://img.example/",
        "https://img.example:*",
        "https://img.example:",
        "https://img.example:0",
        "https://img.example; script-src *",
        "https://img.example;script-src",
        "https://user@img.example",
        "https://IMG.example",
        "http://img.example",
        "ws://img.example",
        "https://img.example 'unsafe-eval'",
    ],
)
def test_the_policy_takes_nothing_else(name: str, given: str) -> None:
    """What would loosen it by more than an origin stops the start."""
    assert names(faults(**{name: given})) == [name]


def test_plain_http_is_for_development(instance: Path) -> None:
    """There a second server on this machine is usual."""
    assert not instance.exists()
    development = {"APP_ENV": "development", "CSP_IMG_SRC": "http://localhost:9000"}
    assert Settings.from_env(development).csp_img_src == ("http://localhost:9000",)
