"""The pages on which an account is opened, without script."""

import re
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.accounts.password_login import PasswordLogin
from app.auth import admin
from app.web.cookies import FORM
from tests.support.app import clock_of, running, services
from tests.support.client import (
    EMAIL,
    FORM_COOKIE,
    NAVIGATION,
    PASSWORD,
    SESSION_COOKIE,
    Client,
    member,
    problem,
    program,
    set_cookies,
)
from tests.support.databases import one_database
from tests.support.mail import mail, mails, registration_token, token_in

pytestmark = one_database

FINISH = "/register/finish"
NEXT = re.compile(r'<meta http-equiv="refresh" content="0; url=([^"]+)">')
BOB = "bob@example.com"


def ask(app: Flask, tab: Client, email: str = EMAIL) -> str:
    """Fill in the first form; return the token of the link that comes by mail."""
    done = tab.send_form("/register", email=email)
    assert (done.status_code, done.location) == (303, "/register/sent")
    assert "Look in your mail" in tab.ask("GET", done.location).text
    return token_in(mail(app))


def follow(tab: Client, token: str) -> str:
    """Follow the link, and return the page with the form."""
    first = tab.ask("GET", f"{FINISH}?token={token}", headers=NAVIGATION)
    assert first.status_code == 200
    assert '<meta name="referrer" content="no-referrer">' in first.text
    assert token not in first.text
    assert first.headers["Cache-Control"] == "no-store"
    assert NEXT.findall(first.text) == [FINISH]
    page = tab.ask("GET", FINISH)
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    return page.text


def fields_of(page: str) -> dict[str, str]:
    """Return the hidden fields of a form."""
    return dict(re.findall(r'type="hidden"[^>]* name="(\w+)"[^>]* value="([^"]*)"', page)) | dict(
        re.findall(r'name="(csrf_token)"[^>]* value="([^"]*)"', page)
    )


def send(tab: Client, page: str, **fields: str) -> TestResponse:
    """Send the form of an open page."""
    return tab.ask("POST", FINISH, headers=NAVIGATION, data=fields_of(page) | fields)


def test_from_the_address_to_the_account(app: Flask, tab: Client) -> None:
    page = follow(tab, ask(app, tab))
    answer = send(tab, page, password=PASSWORD)
    assert (answer.status_code, answer.location) == (303, "/account")
    assert set_cookies(answer)[0] == SESSION_COOKIE
    assert FORM_COOKIE in set_cookies(answer)  # the token of the link is forgotten
    assert answer.headers["Clear-Site-Data"] == '"storage"'
    assert answer.headers["Cache-Control"] == "no-store"
    assert program(app).refresh(tab.refresh_token).get_json()["user"]["email"] == EMAIL
    assert Client(app).log_in().status_code == 200
    assert tab.ask("GET", FINISH).status_code == 400


def test_the_page_names_the_address(app: Flask, tab: Client) -> None:
    """For the reader, and for a password manager, which stores it as the user name."""
    page = follow(tab, ask(app, tab, " ADA@example.com"))
    assert f'type="email" autocomplete="username" readonly value="{EMAIL}"' in page
    assert 'autocomplete="new-password"' in page


def test_the_address_of_the_form_is_not_believed(app: Flask, tab: Client) -> None:
    page = follow(tab, ask(app, tab))
    send(tab, page, password=PASSWORD, email=BOB, username=BOB)
    assert Client(app).log_in().status_code == 200
    problem(Client(app, BOB).log_in(), 401, "invalid_credentials")


def test_a_known_address_sees_the_same_pages(app: Flask, ada: Client) -> None:
    pages = set()
    for email in (ada.email, BOB):
        tab = Client(app)
        done = tab.send_form("/register", email=email)
        shown = tab.ask("GET", done.location)
        text = re.sub(r'(name="dpop-nonce" content=)"[^"]+"', r"\1", shown.text)
        pages.add((done.status_code, done.location, done.text, shown.status_code, text))
    assert len(pages) == 1
    assert {message["Subject"] for message in mails(app)} == {
        "You already have a Latchkey account",
        "Finish creating your Latchkey account",
    }


@pytest.mark.parametrize("password", ["short", ""])
def test_a_refused_password_leaves_the_form(app: Flask, tab: Client, password: str) -> None:
    page = follow(tab, ask(app, tab))
    refused = send(tab, page, password=password)
    assert refused.status_code == (422 if password else 400)
    assert ("at least 15 characters" if password else "Enter a password.") in refused.text
    assert f'value="{EMAIL}"' in refused.text
    assert not tab.refresh_token
    assert send(tab, refused.text, password=PASSWORD).status_code == 303


def test_a_scanner_spends_nothing(app: Flask, tab: Client) -> None:
    """It follows the link, and the one on the page, with GET and HEAD, before the reader does."""
    token = ask(app, tab)
    scanner = Client(app)
    for method in ("HEAD", "GET", "GET"):
        assert scanner.ask(method, f"{FINISH}?token={token}").status_code == 200
        assert scanner.ask(method, FINISH).status_code == 200
    problem(scanner.log_in(), 401, "invalid_credentials")
    assert send(tab, follow(tab, token), password=PASSWORD).status_code == 303


def test_two_links_in_one_browser(app: Flask, tab: Client) -> None:
    """Each page is about its own link: the second does not swap the address of the first."""
    first = follow(tab, ask(app, tab))
    second = follow(tab, ask(app, tab, BOB))
    assert send(tab, first, password=PASSWORD).status_code == 303
    assert Client(app).log_in().status_code == 200
    problem(Client(app, BOB).log_in(), 401, "invalid_credentials")
    assert send(tab, second, password="another marble teapot").status_code == 303
    assert Client(app, BOB, "another marble teapot").log_in().status_code == 200


def test_the_link_works_in_another_browser(app: Flask, tab: Client) -> None:
    other = Client(app)
    assert send(other, follow(other, ask(app, tab)), password=PASSWORD).status_code == 303
    assert other.refresh_token
    assert not tab.refresh_token


@pytest.mark.parametrize("token", ["", "no-token", "a" * 5000, "\x00", "%F0%9F%94%91"])
def test_a_damaged_link_says_so(tab: Client, token: str) -> None:
    tab.ask("GET", FINISH, query_string={"token": token})
    page = tab.ask("GET", FINISH)
    assert page.status_code == 400
    assert "This link does not work any more" in page.text


def test_without_a_link(tab: Client) -> None:
    page = tab.ask("GET", FINISH)
    assert page.status_code == 400
    assert 'href="/register"' in page.text
    assert 'href="/login"' in page.text


@pytest.mark.parametrize("how", ["used", "expired", "account", "disabled"])
def test_a_dead_link_says_so_before_and_after_the_password(
    app: Flask, tab: Client, how: str
) -> None:
    token = ask(app, tab)
    page = follow(tab, token)
    if how == "used":
        Client(app).finish_account(token)
    elif how == "expired":
        clock_of(app).forward(86400)
    else:
        member(app)
    if how == "disabled":
        auth = services(app).auth
        admin.disable(auth, admin.find_user(auth, EMAIL))
    for answer in (tab.ask("GET", FINISH), send(tab, page, password="another marble teapot")):
        assert answer.status_code == 400
        assert "This link does not work any more" in answer.text
    assert not tab.refresh_token


def test_a_link_used_while_the_password_was_hashed(
    app: Flask, tab: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = ask(app, tab)
    page, hash_new = follow(tab, token), PasswordLogin.hash_new

    def meanwhile(self: PasswordLogin, *args: Any) -> str:  # noqa: ANN401 - of the method
        monkeypatch.undo()
        assert program(app).finish_account(token).status_code == 201
        return hash_new(self, *args)

    monkeypatch.setattr(PasswordLogin, "hash_new", meanwhile)
    answer = send(tab, page, password="another marble teapot")
    assert answer.status_code == 400
    assert "This link does not work any more" in answer.text
    assert not tab.refresh_token


def test_a_form_of_another_site(app: Flask, tab: Client) -> None:
    """Login CSRF: a page elsewhere cannot have this browser open the attacker's account."""
    link = registration_token(Client(app, BOB))
    fields = {"token": link, "password": PASSWORD, "csrf_token": tab.open_form("/login")}
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = tab.ask("POST", FINISH, headers=NAVIGATION | headers, data=fields)
        assert answer.status_code == 403
    forged = {"token": link, "password": PASSWORD, "csrf_token": "rubbish"}
    assert tab.ask("POST", FINISH, headers=NAVIGATION, data=forged).status_code == 400
    del tab.cookies[FORM]
    assert tab.ask("POST", FINISH, headers=NAVIGATION, data=fields).status_code == 400
    assert not tab.refresh_token
    problem(Client(app, BOB).log_in(), 401, "invalid_credentials")


def test_a_new_account_takes_the_place_of_a_session(app: Flask, ada: Client) -> None:
    """The reader was logged in with another account; the page says what will happen."""
    access = ada.access_token
    page = follow(ada, ask(app, ada, BOB))
    assert "that session ends" in page
    assert ada.alive()
    assert send(ada, page, password=PASSWORD).status_code == 303
    problem(program(app).me(access), 401, "invalid_token")
    assert program(app).refresh(ada.refresh_token).get_json()["user"]["email"] == BOB


@pytest.mark.parametrize("path", ["/register", "/register/sent", FINISH, "/reset", "/reset/sent"])
def test_another_name_of_the_host_leads_here(tab: Client, path: str) -> None:
    answer = tab.ask("GET", path, headers={"Host": "127.0.0.1"})
    assert answer.status_code == 308
    assert answer.headers["Location"].rstrip("?") == f"https://localhost{path}"


@pytest.mark.usefixtures("valkey")
def test_without_mail_it_is_closed(environment: dict[str, str]) -> None:
    """One sentence, and no form that would lead nowhere."""
    with running(environment, MAIL_URL="none") as app:
        tab = Client(app)
        for path in ("/register", FINISH, "/reset"):
            page = tab.ask("GET", path)
            assert page.status_code == 403
            assert "This site sends no mail." in page.text
            assert "<form" not in page.text
        token = tab.open_form("/login")
        sent = {"csrf_token": token, "email": EMAIL, "password": PASSWORD}
        for path in ("/register", FINISH):
            assert tab.ask("POST", path, data=sent, headers=NAVIGATION).status_code == 403
