import pytest
from flask import Request
from werkzeug.test import EnvironBuilder

from app.errors import CrossOrigin
from app.web.origin import check_origin
from tests.support.app import PUBLIC_URL


def sent(headers: dict[str, str]) -> Request:
    """Return a state change with these headers."""
    return Request(EnvironBuilder(method="POST", headers=list(headers.items())).get_environ())


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"Sec-Fetch-Site": "same-site"}, "sec_fetch_site"),
        ({"Sec-Fetch-Site": "none"}, "sec_fetch_site"),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, "sec_fetch_site"),
        ({"Origin": "https://evil.example"}, "origin"),
        ({"Origin": "null"}, "origin"),
    ],
)
def test_a_refusal_names_the_header_that_gave_it_away(
    headers: dict[str, str], reason: str
) -> None:
    with pytest.raises(CrossOrigin) as refused:
        check_origin(sent(headers), PUBLIC_URL)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": PUBLIC_URL},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"},
    ],
)
def test_what_began_here_passes(headers: dict[str, str]) -> None:
    """A request without these headers comes from no browser."""
    check_origin(sent(headers), PUBLIC_URL)
