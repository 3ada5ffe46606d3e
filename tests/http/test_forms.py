"""The forms: register, log in and log out without any script."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from itsdangerous import URLSafeTimedSerializer

from app.web.cookies import FORM, REFRESH
from tests.support.busy import busy
from tests.support.client import (
    CLEARED,
    EMAIL,
    FORM_COOKIE,
    NAVIGATION,
    PASSWORD,
    SESSION_COOKIE,
    Client,
    cookie_lines,
    ended,
    member,
    problem,
    program,
    set_cookies,
)
from tests.support.databases import one_database

pytestmark = one_database


@pytest.fixture
def tab(app: Flask) -> Client:
    return Client(app)


def test_registering_logs_in(app: Flask, tab: Client) -> None:
    """303 to the account, with the refresh cookie; the tab has a working session."""
    answer = tab.send_form("/register", email=EMAIL, password=PASSWORD)
    assert (answer.status_code, answer.location) == (303, "/account")
    assert set_cookies(answer)[0] == SESSION_COOKIE
    assert program(app).refresh(tab.refresh_token).get_json()["user"]["email"] == EMAIL


def test_logging_in(app: Flask, ada: Client, tab: Client) -> None:
    """303, and the password is in no answer."""
    answer = tab.send_form("/login", email=" ADA@example.com", password=PASSWORD)
    assert (answer.status_code, answer.location) == (303, "/account")
    assert set_cookies(answer)[0] == SESSION_COOKIE
    assert answer.headers["Cache-Control"] == "no-store"
    assert program(app).refresh(tab.refresh_token).status_code == 200
    assert ada.alive()


def test_plain_log_in_has_stored_keys_forgotten(app: Flask, ada: Client, tab: Client) -> None:
    """The first refresh binds its session, by no key from before it. A refusal forgets nothing."""
    assert (
        "Clear-Site-Data" not in tab.send_form("/login", email=ada.email, password="wrong").headers
    )
    for path, email in (("/login", ada.email), ("/register", "bob@example.com")):
        answer = Client(app).send_form(path, email=email, password=PASSWORD)
        assert answer.headers["Clear-Site-Data"] == '"storage"'


def test_keep_me_logged_in(ada: Client, tab: Client) -> None:
    """The box gives the cookie a Max-Age."""
    answer = tab.send_form("/login", email=ada.email, password=PASSWORD, remember="y")
    assert "Max-Age=604800" in answer.headers["Set-Cookie"]


def test_logging_in_again_ends_the_tabs_former_family(ada: Client) -> None:
    """As over JSON: one browser, one session."""
    access = ada.access_token
    answer = ada.send_form("/login", email=ada.email, password=PASSWORD)
    assert answer.status_code == 303
    problem(program(ada.app).me(access), 401, "invalid_token")


def test_registering_ends_the_tabs_former_family(ada: Client) -> None:
    """The cookie is overwritten here too."""
    access = ada.access_token
    assert (
        ada.send_form("/register", email="bob@example.com", password=PASSWORD).status_code == 303
    )
    problem(program(ada.app).me(access), 401, "invalid_token")


def test_logging_out(ada: Client) -> None:
    """303 to the log-in page; the cookie is taken back and the family is dead."""
    token = ada.refresh_token
    fields = {"csrf_token": ada.open_form("/account")}
    answer = ada.ask("POST", "/logout", data=fields, headers=NAVIGATION)
    assert answer.status_code == 303
    assert answer.location.startswith("/login")
    assert CLEARED in cookie_lines(answer)
    assert answer.headers["Clear-Site-Data"] == '"storage"'
    problem(ada.me(), 401, "invalid_token")
    ended(program(ada.app).refresh(token))
    assert "You are logged out" in ada.ask("GET", answer.location).text


@pytest.mark.parametrize("path", ["/login", "/register", "/logout"])
@pytest.mark.parametrize("token", ["missing", "empty", "rubbish", "another's", "expired"])
def test_without_a_valid_form_token(
    app: Flask, ada: Client, tab: Client, path: str, token: str
) -> None:
    """400 with a page that says what to do; nothing happened, nobody is logged in or out."""
    own = tab.open_form("/login")
    key = app.secret_key
    assert isinstance(key, str)
    signer = URLSafeTimedSerializer(key, salt="wtf-csrf-token")
    raw, stamped = signer.loads(own, return_timestamp=True)
    assert stamped
    value = {
        "missing": None,
        "empty": "",
        "rubbish": "rubbish",
        "another's": Client(app).open_form("/login"),
        "expired": expired(signer, str(raw)),
    }[token]
    fields = {"email": "new@example.com" if path == "/register" else EMAIL, "password": PASSWORD}
    sent = fields | ({} if value is None else {"csrf_token": value})
    tab.cookies[REFRESH] = ada.refresh_token
    answer = tab.ask("POST", path, data=sent, headers=NAVIGATION)
    assert (answer.status_code, answer.mimetype) == (400, "text/html")
    assert "This form has expired" in answer.text
    assert PASSWORD not in answer.text
    assert "Set-Cookie" not in answer.headers
    assert ada.alive()
    problem(Client(app, "new@example.com").log_in(), 401, "invalid_credentials")


def expired(signer: URLSafeTimedSerializer, raw: str) -> str:
    """Return a token as it was issued an hour and a second ago."""

    class Earlier(type(signer.make_signer())):  # type: ignore[misc]
        def get_timestamp(self) -> int:
            return int(super().get_timestamp()) - 3601

    return str(URLSafeTimedSerializer(signer.secret_keys, signer.salt, signer=Earlier).dumps(raw))


def test_form_token_without_its_cookie(ada: Client, tab: Client) -> None:
    """A token alone, planted by another site, is worth nothing."""
    token = tab.open_form("/login")
    del tab.cookies[FORM]
    fields = {"email": ada.email, "password": PASSWORD, "csrf_token": token}
    answer = tab.ask("POST", "/login", data=fields, headers=NAVIGATION)
    assert answer.status_code == 400
    assert not tab.refresh_token


def test_form_cookie(tab: Client) -> None:
    """Flask's own session gets the care of the refresh cookie, and only forms open one."""
    assert set_cookies(tab.ask("GET", "/login")) == [FORM_COOKIE]
    for path in ("/", "/threats", "/mistakes"):
        assert "Set-Cookie" not in Client(tab.app).ask("GET", path).headers


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "/\t/evil.example",
        "/\n/evil.example",
        "\t//evil.example",
        " //evil.example",
        "evil.example",
        "account",
        "?x",
        "/account\r\nSet-Cookie: a=b",
        "/account\\..\\x",
        "/\u2044evil.example",
        "/" + "a" * 600,
        "@evil.example",
        "/\x00",
    ],
)
def test_next_elsewhere(ada: Client, tab: Client, wanted: str) -> None:
    """Only a path of this site is gone to, whether from the query or from the form."""
    for path, fields in (("/login", {"next": wanted}), ("/login", {})):
        data = {
            "email": ada.email,
            "password": PASSWORD,
            "csrf_token": tab.open_form("/login"),
            **fields,
        }
        query = {} if fields else {"next": wanted}
        answer = tab.ask("POST", path, data=data, query_string=query, headers=NAVIGATION)
        assert (answer.status_code, answer.location) == (303, "/account")


@pytest.mark.parametrize(
    "wanted", ["/account/sessions", "/account?tab=2#x", "/", "/a%2F%2Fb", "/@evil.example"]
)
def test_next_here(ada: Client, tab: Client, wanted: str) -> None:
    """A path of this site is, and the page carries it along."""
    page = tab.ask("GET", "/login", query_string={"next": wanted}).text
    assert f'name="next" value="{wanted}"' in page
    answer = tab.send_form("/login", email=ada.email, password=PASSWORD, next=wanted)
    assert (answer.status_code, answer.location) == (303, wanted)


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


def test_member_of_the_form_shares_the_account_with_json(app: Flask, tab: Client) -> None:
    """One account, two deliveries."""
    tab.send_form("/register", email=EMAIL, password=PASSWORD)
    assert Client(app).log_in().status_code == 200
    assert member(app, "bob@example.com").alive()
