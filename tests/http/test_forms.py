"""The forms: log in and log out without any script."""

import pytest
from flask import Flask
from itsdangerous import URLSafeTimedSerializer

from app.web.cookies import FORM, REFRESH
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
    problem,
    program,
    set_cookies,
)
from tests.support.databases import one_database
from tests.support.mail import mails, registration_token

pytestmark = one_database


def test_logging_in(app: Flask, ada: Client, tab: Client) -> None:
    answer = tab.send_form("/login", email=" ADA@example.com", password=PASSWORD)
    assert (answer.status_code, answer.location) == (303, "/account")
    assert set_cookies(answer)[0] == SESSION_COOKIE
    assert answer.headers["Cache-Control"] == "no-store"
    assert program(app).refresh(tab.refresh_token).status_code == 200
    assert ada.alive()


def test_plain_log_in_has_stored_keys_forgotten(app: Flask, ada: Client, tab: Client) -> None:
    """The first refresh binds its session, by no key from before it. A refusal forgets nothing."""
    refused = tab.send_form("/login", email=ada.email, password="wrong")
    assert "Clear-Site-Data" not in refused.headers
    answer = Client(app).send_form("/login", email=ada.email, password=PASSWORD)
    assert answer.headers["Clear-Site-Data"] == '"storage"'


def test_keep_me_logged_in(ada: Client, tab: Client) -> None:
    answer = tab.send_form("/login", email=ada.email, password=PASSWORD, remember="y")
    assert "Max-Age=604800" in answer.headers["Set-Cookie"]


def test_the_form_ends_the_tabs_former_family(ada: Client) -> None:
    access = ada.access_token
    assert ada.send_form("/login", email=EMAIL, password=PASSWORD).status_code == 303
    problem(program(ada.app).me(access), 401, "invalid_token")


def test_logging_out(ada: Client) -> None:
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


def test_asking_for_the_log_out_ends_nothing(ada: Client) -> None:
    page = ada.ask("GET", "/logout", cookie=ada.refresh_token)
    assert page.status_code == 200
    assert '<form class="card" method="post">' in page.text
    assert ada.alive()


@pytest.mark.parametrize("path", ["/login", "/register", "/register/finish", "/logout"])
@pytest.mark.parametrize("token", ["missing", "empty", "rubbish", "another's", "expired"])
def test_without_a_valid_form_token(
    app: Flask, ada: Client, tab: Client, path: str, token: str
) -> None:
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
    link = registration_token(Client(app, "new@example.com"))
    fields = {"email": EMAIL, "password": PASSWORD, "token": link}
    sent = fields | ({} if value is None else {"csrf_token": value})
    tab.cookies[REFRESH] = ada.refresh_token
    answer = tab.ask("POST", path, data=sent, headers=NAVIGATION)
    assert (answer.status_code, answer.mimetype) == (400, "text/html")
    assert "This form has expired" in answer.text
    assert PASSWORD not in answer.text
    assert "Set-Cookie" not in answer.headers
    assert ada.alive()
    problem(Client(app, "new@example.com").log_in(), 401, "invalid_credentials")
    assert mails(app) == []


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


def test_only_forms_open_a_session_and_its_cookie_has_the_same_care(tab: Client) -> None:
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
def test_next_leads_nowhere_else(ada: Client, tab: Client, wanted: str) -> None:
    for fields, query in (({"next": wanted}, {}), ({}, {"next": wanted})):
        data = {"email": ada.email, "password": PASSWORD, "csrf_token": tab.open_form("/login")}
        answer = tab.ask(
            "POST", "/login", data=data | fields, query_string=query, headers=NAVIGATION
        )
        assert (answer.status_code, answer.location) == (303, "/account")


@pytest.mark.parametrize(
    "wanted", ["/account/sessions", "/account?tab=2#x", "/", "/a%2F%2Fb", "/@evil.example"]
)
def test_next_leads_to_a_path_of_this_site(ada: Client, tab: Client, wanted: str) -> None:
    page = tab.ask("GET", "/login", query_string={"next": wanted}).text
    assert f'name="next" value="{wanted}"' in page
    answer = tab.send_form("/login", email=ada.email, password=PASSWORD, next=wanted)
    assert (answer.status_code, answer.location) == (303, wanted)
