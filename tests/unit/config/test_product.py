from pathlib import Path

import pytest

from config import Settings
from tests.unit.config.reports import GOOD, faults, names

ID = "x" * 22


def test_operators_are_named_by_id() -> None:
    """An address could be registered by somebody else first."""
    given = f"{ID}, {'y' * 22}"
    assert Settings.from_env(GOOD | {"OPERATORS": given}).operators == {ID, "y" * 22}
    for bad in ("ada@example.com", f"{ID} ada", "x" * 21, "x" * 23, "*"):
        assert names(faults(OPERATORS=bad)) == ["OPERATORS"]


def test_a_product_has_one_line_for_a_name() -> None:
    assert Settings.from_env(GOOD | {"PRODUCT_NAME": "Åland Notes"}).product_name == "Åland Notes"
    for bad in ("two\nlines", "x" * 61, "a\x07b", "a\u202eb"):
        assert names(faults(PRODUCT_NAME=bad)) == ["PRODUCT_NAME"]


def test_a_brand_is_files_in_static(instance: Path) -> None:
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


def test_the_content_security_policy_takes_origins() -> None:
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
        *("'self'", "'unsafe-inline'", "*", "https:", "data:", "img.example"),
        *("http://img.example", "ws://img.example", "https://IMG.example"),
        *("https://*.example", "https://user@img.example"),
        *("https://img.example/", "https://img.example/path"),
        *("https://img.example:", "https://img.example:0", "https://img.example:*"),
        *("https://img.example; script-src *", "https://img.example;script-src"),
        "https://img.example 'unsafe-eval'",
    ],
)
def test_the_content_security_policy_takes_nothing_else(name: str, given: str) -> None:
    assert names(faults(**{name: given})) == [name]


def test_in_development_the_content_security_policy_takes_plain_http(instance: Path) -> None:
    assert not instance.exists()
    development = {"APP_ENV": "development", "CSP_IMG_SRC": "http://localhost:9000"}
    assert Settings.from_env(development).csp_img_src == ("http://localhost:9000",)
