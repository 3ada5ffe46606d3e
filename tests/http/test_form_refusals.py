"""What a form refuses, and how it says so."""

import re

import pytest
from flask import Flask

from app.web.cookies import FORM, REFRESH
from tests.support.busy import busy
from tests.support.client import NAVIGATION, PASSWORD, Client, program
from tests.support.databases import one_database
from tests.support.mail import mails, registration_token

pytestmark = one_database


def test_wrong_password_keeps_the_address(ada: Client, tab: Client) -> None:
    wrong = "quarry lantern umbrella ten"
    answer = tab.send_form("/login", email="  ADA@example.com", password=wrong, next="/account")
    page = answer.text
    assert answer.status_code == 401
    assert "Incorrect e-mail or password." in page
    assert "ADA@example.com" in page
    assert wrong not in page
    assert 'value="/account"' in page
    assert not tab.refresh_token
    assert ada.alive()


def test_unknown_account_gives_the_same_page(ada: Client, tab: Client) -> None:
    """But for the address that was typed, the form token and the number of the request."""
    pages = set()
    for email in (ada.email, "bob@example.com"):
        page = tab.send_form("/login", email=email, password="wrong wrong wrong").text
        page = re.sub(r'(name="csrf_token"[^>]*value=)"[^"]*"', r"\1", page)
        pages.add(page.replace(email, ""))
    assert len(pages) == 1


@pytest.mark.parametrize(
    ("email", "says"),
    [
        ("ada", "such as name@example.com"),
        ("", "Enter your e-mail address."),
        ("a\x00b@example.com", "such as name@example.com"),
        ("<b>@x", "&lt;b&gt;@x"),
    ],
)
def test_refused_registration(ada: Client, tab: Client, email: str, says: str) -> None:
    answer = tab.send_form("/register", email=email)
    assert answer.status_code == 400
    assert says in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert mails(ada.app) == []


def test_empty_login_asks_for_both_fields(tab: Client) -> None:
    answer = tab.send_form("/login")
    assert answer.status_code == 400
    page = answer.text
    assert "Enter your e-mail address." in page
    assert "Enter your password." in page


@pytest.mark.parametrize("email", ["a\x00b@example.com", "\x00", "\U0001f600", "a" * 320])
def test_address_that_nobody_can_have_is_a_wrong_one(tab: Client, email: str) -> None:
    assert tab.send_form("/login", email=email, password=PASSWORD).status_code == 401


@pytest.mark.parametrize("path", ["/login", "/register"])
def test_texts_beyond_their_limits(tab: Client, path: str) -> None:
    answer = tab.send_form(path, email="a" * 321, password=PASSWORD)
    page = answer.text
    assert answer.status_code == 400
    assert "An e-mail address has at most 254 characters." in page
    assert "a" * 321 in page


def test_a_password_beyond_its_limit(app: Flask, tab: Client) -> None:
    marks = "a" + "\u0344" * 2_000 + "\u0316" * 2_000
    link = registration_token(Client(app, "new@example.com"))
    tab.ask("GET", f"/register/finish?token={link}")
    for path, status, fields in (
        ("/login", 400, {"email": "ada@example.com"}),
        ("/register/finish", 422, {"token": link}),
    ):
        answer = tab.send_form(path, password=marks, **fields)
        assert answer.status_code == status
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
    for _ in range(5):
        assert tab.send_form("/login", email=ada.email, password="wrong").status_code == 401
    answer = tab.send_form("/login", email=ada.email, password=PASSWORD)
    assert answer.status_code == 429
    assert "Too many attempts" in answer.text
    assert 0 < int(answer.headers["Retry-After"]) <= 3600


def test_two_refresh_cookies(ada: Client, app: Flask) -> None:
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
    headers = NAVIGATION | {"X-CSRFToken": tab.open_form("/login")}
    headers["Content-Type"] = "application/json"
    for path in ("/login", "/register"):
        answer = tab.ask("POST", path, data=body, headers=headers)
        assert (answer.status_code, answer.mimetype) == (400, "text/html")
    assert not tab.refresh_token
    assert ada.alive()
