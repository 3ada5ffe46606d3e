"""What a form refuses, and how it says so."""

import re

import pytest
from flask import Flask

from app.web.cookies import FORM, REFRESH
from tests.support.busy import busy
from tests.support.client import (
    EMAIL,
    NAVIGATION,
    PASSWORD,
    Client,
    program,
)
from tests.support.databases import one_database

pytestmark = one_database


def test_wrong_password_keeps_the_address(ada: Client, tab: Client) -> None:
    """401 with the form: the address is kept, the password never."""
    wrong = "quarry lantern umbrella ten"
    answer = tab.send_form("/login", email="  ADA@example.com", password=wrong, next="/account")
    page = answer.text
    assert answer.status_code == 401
    assert "E-mail or password is wrong." in page
    assert "ADA@example.com" in page
    assert wrong not in page
    assert 'value="/account"' in page
    assert not tab.refresh_token
    assert ada.alive()


def test_unknown_account_gives_the_same_page(ada: Client, tab: Client) -> None:
    """But for the address that was typed, the form token and the number of the request."""
    pages = [
        tab.send_form("/login", email=email, password="wrong wrong wrong").text
        for email in (ada.email, "bob@example.com")
    ]
    blank = [
        re.sub(r'(name="csrf_token"[^>]*value=)"[^"]*"', r"\1", page).replace(email, "")
        for page, email in zip(pages, (ada.email, "bob@example.com"), strict=True)
    ]
    assert blank[0] == blank[1]


@pytest.mark.parametrize(
    ("fields", "status", "says"),
    [
        ({"email": "ada", "password": PASSWORD}, 400, "such as name@example.com"),
        ({"email": "", "password": PASSWORD}, 400, "Enter your e-mail address."),
        ({"email": EMAIL, "password": ""}, 400, "Enter a password."),
        ({"email": "new@example.com", "password": "short"}, 422, "at least 15 characters"),
        ({"email": EMAIL, "password": PASSWORD}, 409, "already an account"),
        ({"email": "a\x00b@example.com", "password": PASSWORD}, 400, "such as name@example.com"),
        ({"email": "<b>@x", "password": PASSWORD}, 400, "&lt;b&gt;@x"),
    ],
)
def test_refused_registration(
    ada: Client, tab: Client, fields: dict[str, str], status: int, says: str
) -> None:
    """The form comes back with the reason and the address, without the password."""
    answer = tab.send_form("/register", **fields)
    page = answer.text
    assert answer.status_code == status
    assert says in page
    assert PASSWORD not in page
    assert not tab.refresh_token
    assert ada.alive()


def test_empty_login(tab: Client) -> None:
    """400: both fields are asked for, each with its sentence."""
    answer = tab.send_form("/login")
    assert answer.status_code == 400
    page = answer.text
    assert "Enter your e-mail address." in page
    assert "Enter your password." in page


@pytest.mark.parametrize("email", ["a\x00b@example.com", "\x00", "\U0001f600", "a" * 320])
def test_address_that_nobody_can_have(tab: Client, email: str) -> None:
    """It is a wrong address like any other."""
    assert tab.send_form("/login", email=email, password=PASSWORD).status_code == 401


@pytest.mark.parametrize("path", ["/login", "/register"])
def test_texts_beyond_their_limits(tab: Client, path: str) -> None:
    """Each is refused with a sentence beside it; what was typed as an address is still there."""
    answer = tab.send_form(path, email="a" * 321, password=PASSWORD)
    page = answer.text
    assert answer.status_code == 400
    assert "An e-mail address has at most 254 characters." in page
    assert "a" * 321 in page
    marks = "a" + "\u0344" * 2_000 + "\u0316" * 2_000
    answer = tab.send_form(path, email="ada@example.com", password=marks)
    assert answer.status_code == (400 if path == "/login" else 422)
    assert "at most 1024 bytes" in answer.text


@pytest.mark.parametrize("kind", ["multipart/form-data", "application/x-www-form-urlencoded"])
def test_form_of_too_many_fields(tab: Client, kind: str) -> None:
    """No form here has more than a few fields; a body of thousands is not taken apart."""
    token = tab.open_form("/login")
    for more, status in ((29, 401), (30, 413)):
        fields = {f"field{number}": "x" for number in range(more)}
        fields |= {"csrf_token": token, "email": "nobody@example.com", "password": "wrong"}
        answer = tab.ask("POST", "/login", data=fields, content_type=kind, headers=NAVIGATION)
        assert answer.status_code == status


def test_too_many_attempts(ada: Client, tab: Client) -> None:
    """429 says when to come back, in the page and in its header."""
    for _ in range(5):
        assert tab.send_form("/login", email=ada.email, password="wrong").status_code == 401
    answer = tab.send_form("/login", email=ada.email, password=PASSWORD)
    assert answer.status_code == 429
    assert "Too many attempts" in answer.text
    assert 0 < int(answer.headers["Retry-After"]) <= 3600


def test_two_refresh_cookies(ada: Client, app: Flask) -> None:
    """A page says so, and nobody is logged in or out."""
    tab = Client(app)
    token = tab.open_form("/login")
    twice = f"{FORM}={tab.cookies[FORM]}; {REFRESH}={ada.refresh_token}; {REFRESH}=x"
    client = program(app)
    for path in ("/login", "/logout"):
        fields = {"email": ada.email, "password": PASSWORD, "csrf_token": token}
        headers = {**NAVIGATION, "Cookie": twice}
        answer = client.ask("POST", path, headers=headers, data=fields)
        assert (answer.status_code, answer.mimetype) == (400, "text/html")
        assert REFRESH not in str(answer.headers)
    assert ada.alive()


def test_busy(ada: Client, tab: Client) -> None:
    """503 in the form when no hash can be had; nothing was counted as an attempt."""
    with busy(ada.app):
        answer = tab.send_form("/login", email=ada.email, password=PASSWORD)
    assert answer.status_code == 503
    assert "busy" in answer.text
    assert int(answer.headers["Retry-After"]) > 0
    assert tab.send_form("/login", email=ada.email, password=PASSWORD).status_code == 303


@pytest.mark.parametrize(
    "body",
    [
        '{"email": "ada@example.com", "password": "quarry lantern umbrella nine"}',
        '{"email": 5, "password": ["x"]}',
        "[" * 20_000,
        "[1]",
        "5",
        "rubbish",
    ],
)
def test_json_is_no_form(ada: Client, tab: Client, body: str) -> None:
    """A JSON body fills in no form, whatever it holds, and gets no further."""
    headers = NAVIGATION | {"X-CSRFToken": tab.open_form("/login")}
    headers["Content-Type"] = "application/json"
    for path in ("/login", "/register"):
        answer = tab.ask("POST", path, data=body, headers=headers)
        assert (answer.status_code, answer.mimetype) == (400, "text/html")
    assert not tab.refresh_token
    assert ada.alive()
