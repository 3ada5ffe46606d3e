"""The cookies: attributes byte for byte, who reads them, and two of a name."""

import re

import pytest
from flask import Flask, request
from werkzeug.test import TestResponse

from app.web.cookies import DEVICE, FORM, REFRESH, pairs, read_device
from tests.support.client import (
    EMAIL,
    NAVIGATION,
    PASSWORD,
    Client,
    cookie_lines,
    ended,
    member,
    other_browser,
    problem,
)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind: what goes into a header does not depend on it."""
    return sqlite_url


JWT = r"[\w-]+\.[\w-]+\.[\w-]+"
CARE = "Secure; HttpOnly; Path=/; SameSite=Strict"


def line(answer: TestResponse) -> str:
    (only,) = cookie_lines(answer)
    return only


def test_all_names_have_the_prefix() -> None:
    """The prefix is half of the defense: current browsers enforce what it stands for."""
    assert REFRESH == "__Host-Http-refresh"
    assert {name[:12] for name in (REFRESH, FORM, DEVICE)} == {"__Host-Http-"}


def test_attributes_byte_for_byte(ada: Client) -> None:
    assert re.fullmatch(f"{REFRESH}={JWT}; {CARE}", line(ada.log_in()))
    assert re.fullmatch(f"{REFRESH}={JWT}; {CARE}", line(ada.refresh()))
    kept = f"{REFRESH}={JWT}; Max-Age=604800; {CARE}"
    assert re.fullmatch(kept, line(ada.log_in(remember=True)))
    assert cookie_lines(ada.log_out()) == [f"{REFRESH}=; Max-Age=0; {CARE}"]


def test_no_cookie_has_a_domain(app: Flask, ada: Client) -> None:
    for answer in (ada.log_in(), ada.refresh(), Client(app).ask("GET", "/login"), ada.log_out()):
        assert not any("domain" in line.lower() for line in cookie_lines(answer))


def test_two_refresh_cookies(app: Flask, ada: Client, thief: Client) -> None:
    """One of them was planted: refused, in either order, and nothing is consumed or cleared."""
    eve = member(app, "eve@example.com")
    for first, second in (
        (ada.refresh_token, eve.refresh_token),
        (eve.refresh_token, ada.refresh_token),
        (ada.refresh_token, ada.refresh_token),
        ("", ada.refresh_token),
        (ada.refresh_token, ""),
    ):
        both = {"Cookie": f"{REFRESH}={first}; other=1; {REFRESH}={second}"}
        for path in ("/auth/refresh", "/auth/logout"):
            answer = thief.ask("POST", path, headers=both)
            problem(answer, 400, "invalid_request")
            assert "Set-Cookie" not in answer.headers
        body = {"email": ada.email, "password": ada.password}
        problem(thief.ask("POST", "/auth/login", headers=both, body=body), 400, "invalid_request")
    assert ada.alive()
    assert eve.alive()


def test_other_names_are_no_refresh_cookie(ada: Client, thief: Client) -> None:
    for name in ("refresh", "__Host-refresh", REFRESH.lower(), f"{REFRESH} x", f"x{REFRESH}"):
        headers = {"Cookie": f"{name}={ada.refresh_token}"}
        ended(thief.ask("POST", "/auth/refresh", headers=headers))
    assert ada.alive()


def test_only_auth_reads_it(ada: Client, thief: Client) -> None:
    for path in ("/", "/account", "/login", "/healthz", "/threats", "/static/js/session.js"):
        answer = thief.ask("GET", path, cookie=ada.refresh_token)
        assert answer.status_code == 200
        assert REFRESH not in str(answer.headers)
    problem(thief.ask("GET", "/api/me", cookie=ada.refresh_token), 401, "invalid_token")
    assert ada.alive()


def test_hostile_cookie_headers(ada: Client, thief: Client) -> None:
    """Whatever is in the header, the answer is a refusal and never a fault."""
    token = ada.refresh_token
    for value in (
        f'{REFRESH}="{token[:-1]}"',
        f"{REFRESH}={token[:30]}; {token[30:]}",
        f"{REFRESH}=\u00e9",
        f"{REFRESH}={'A' * 60_000}",
        ";" * 5000,
        f"{REFRESH}",
        "\x01\x02",
        f"{REFRESH}={token},{REFRESH}={token}",
    ):
        ended(thief.ask("POST", "/auth/refresh", headers={"Cookie": value}))
    assert ada.alive()


def test_a_refusal_that_is_not_the_end_leaves_the_cookie(ada: Client) -> None:
    other_browser(ada)
    answers = [
        ada.ask("POST", "/auth/refresh", headers={"Origin": "null"}),
        ada.finish_account("rubbish"),
        ada.log_in("wrong wrong wrong"),
        ada.change_password("short"),
        ada.change_password("another marble teapot wanders", current="wrong"),
        ada.protected("DELETE", "/auth/sessions/x"),
        ada.ask("POST", "/auth/login", data=b"x"),
        *(ada.log_in("wrong wrong wrong") for _ in range(10)),
    ]
    assert {answer.status_code for answer in answers} == {400, 401, 403, 404, 415, 422, 429}
    for answer in answers:
        assert "Set-Cookie" not in answer.headers
    assert ada.alive()


TOSSED = [
    'a="; {ours}; z="',
    '{ours}; z="',
    'a="; {ours}',
    "a=\\\"; {ours}; z='",
    ' a = " ;\t{ours} ; z="',
    '=; {ours}; ="; ;',
    '"; {ours}; "',
    'a="' + ";" * 3000 + "{ours};" + "z;" * 1000,
]


@pytest.mark.parametrize("header", TOSSED)
def test_a_siblings_cookie_swallows_none_of_ours(ada: Client, thief: Client, header: str) -> None:
    ours = f"{REFRESH}={ada.refresh_token}"
    headers = {"Cookie": header.format(ours=ours)}
    answer = thief.ask("POST", "/auth/refresh", headers=headers)
    assert answer.status_code == 200
    token = line(answer).partition("=")[2].partition(";")[0]
    headers = {"Cookie": header.format(ours=f"{REFRESH}={token}")}
    assert thief.ask("POST", "/auth/logout", headers=headers).status_code == 204
    ended(thief.refresh(token))


def test_quotes_hide_no_second_refresh_cookie(ada: Client, thief: Client) -> None:
    ours = f"{REFRESH}={ada.refresh_token}"
    headers = {"Cookie": f'a="; {ours}; z="; {ours}'}
    problem(thief.ask("POST", "/auth/refresh", headers=headers), 400, "invalid_request")
    assert ada.alive()


def send_form(app: Flask, cookie: str, token: str) -> TestResponse:
    fields = {"csrf_token": token, "email": EMAIL, "password": PASSWORD}
    headers = NAVIGATION | {"Cookie": cookie}
    return Client(app).ask("POST", "/login", data=fields, headers=headers)


def test_the_forms_cookie_gets_the_same_care(app: Flask, ada: Client) -> None:
    tab = Client(app)
    token = tab.open_form("/login")
    ours = f"{FORM}={tab.cookies[FORM]}"
    assert ada.email == EMAIL
    assert send_form(app, f'a="; {ours}; z="', token).status_code == 303
    answer = send_form(app, f"{ours}; {FORM}=planted", token)
    assert answer.status_code == 400
    assert "two cookies for the form" in answer.text
    assert "Set-Cookie" not in answer.headers


def test_the_known_browsers_mark_gets_the_same_care(app: Flask) -> None:
    """It is read between quotes; of two neither is believed, which opens and shuts nothing."""
    for header, read in (
        (f'a="; {DEVICE}=mark; z="', "mark"),
        (f"{DEVICE}=mark; {DEVICE}=other", ""),
        ("", ""),
    ):
        with app.test_request_context("/", headers={"Cookie": header}):
            assert read_device(request) == read


def test_the_header_is_split_as_browsers_put_it_together() -> None:
    """A name is all before the first `=`; nothing is unquoted, decoded or dropped in between."""
    assert pairs('a=1;b= "x=y" ;c;=d; ;e=\x00é,f=2') == [
        ("a", "1"),
        ("b", '"x=y"'),
        ("", "d"),
        ("e", "\x00é,f=2"),
    ]
