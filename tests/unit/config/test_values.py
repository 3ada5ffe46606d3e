import pytest

from config import Settings, decode_secret
from tests.unit.config.reports import GOOD, faults, names


def test_what_is_not_set_has_its_documented_default() -> None:
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
    *("-1", "1.5", "1e2", "ten", "0x10", "+5", "1 0", "6_0"),
    *("\u0661\u0662\u0660", "9" * 400),
]


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, (good, _) in RANGES.items() for value in good]
)
def test_a_number_in_its_range_is_taken(name: str, value: str) -> None:
    assert faults(**{name: value}) == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, (_, bad) in RANGES.items() for value in (*bad, *NO_NUMBERS)],
)
def test_a_number_out_of_its_range_is_refused(name: str, value: str) -> None:
    report = faults(**{name: value})
    assert names(report) == [name]
    assert "is out of range: use" in report


def test_a_time_with_a_unit_is_in_seconds() -> None:
    settings = Settings.from_env(GOOD | {"ACCESS_TOKEN_TTL": "10m", "REFRESH_IDLE_TTL": "2d"})
    assert (settings.access_ttl, settings.refresh_idle_ttl) == (600, 172800)


@pytest.mark.parametrize("name", ["testing", "staging", "production"])
def test_a_known_environment_is_taken(name: str) -> None:
    assert Settings.from_env(GOOD | {"APP_ENV": name}).env == name


@pytest.mark.parametrize("name", ["prod", "Production", "PRODUCTION", "test", "dev", "none"])
def test_an_unknown_environment_is_refused(name: str) -> None:
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
    *("app.example.com", "//app.example.com", "ftp://app.example.com", "javascript:alert(1)"),
    *("https://", "https:///path", "https://app.example.com/path"),
    *("https://app.example.com?query", "https://app.example.com#fragment"),
    *("https://user@app.example.com", "https://user:pass@app.example.com"),
    *("https://app.example.com:port", "https://app.example.com:99999"),
    *("https://app_example.com", "https://-app.example.com", "https://app..example.com"),
    *("https://*.example.com", "https://[::1", "https://app.ex\u00e4mple.com"),
    *(
        "https://app.example.com,https://other.example.com",
        "https://app.example.com\\@evil.example",
    ),
]


@pytest.mark.parametrize(("given", "origin"), ORIGINS.items())
def test_an_origin_has_one_spelling(given: str, origin: str) -> None:
    """It is compared with what browsers send as Origin."""
    assert Settings.from_env(GOOD | {"PUBLIC_URL": given}).public_url == origin


@pytest.mark.parametrize("given", NO_ORIGINS)
def test_what_is_no_origin_is_refused(given: str) -> None:
    assert "PUBLIC_URL" in names(faults(PUBLIC_URL=given))


@pytest.mark.parametrize("env", ["staging", "production"])
def test_a_deployment_is_https(env: str) -> None:
    report = faults(APP_ENV=env, PUBLIC_URL="http://app.example.com")
    assert f"PUBLIC_URL must be https in {env}" in report
    assert faults(APP_ENV="testing", PUBLIC_URL="http://localhost:8000") == ""


@pytest.mark.parametrize("env", ["staging", "production"])
def test_a_deployment_has_no_debugger(env: str) -> None:
    """FLASK_DEBUG would show tracebacks to strangers."""
    assert names(faults(APP_ENV=env, FLASK_DEBUG="1")) == ["FLASK_DEBUG"]
    for off in ("", "0", "false", "No"):
        assert faults(APP_ENV=env, FLASK_DEBUG=off) == ""
    assert faults(APP_ENV="testing", FLASK_DEBUG="1") == ""


@pytest.mark.parametrize("given", ["https://api.example.com", "latchkey", "urn:x"])
def test_an_audience_is_a_url_or_a_name(given: str) -> None:
    assert Settings.from_env(GOOD | {"JWT_AUDIENCE": given}).audience == given


@pytest.mark.parametrize(
    "given", ["two words", "\u00fcber", "x" * 256, "a\tb", "https://app.example.com/auth/refresh"]
)
def test_an_audience_that_is_none_is_refused(given: str) -> None:
    """That of refresh tokens is refused too, so that no token passes for the other type."""
    assert names(faults(JWT_AUDIENCE=given)) == ["JWT_AUDIENCE"]
