"""The pages that mailed links lead to, without script."""

import re

import pytest
from flask import Flask

from tests.support.client import EMAIL, NAVIGATION, NEW_PASSWORD, Client
from tests.support.databases import one_database
from tests.support.mail import mail, token_in

pytestmark = [one_database, pytest.mark.usefixtures("ada")]

NEXT = re.compile(r'<meta http-equiv="refresh" content="0; url=([^"]+)">')


def open_link(visitor: Client, path: str, token: str) -> None:
    """Follow a mailed link, as far as the page without the token."""
    first = visitor.ask("GET", f"{path}?token={token}", headers=NAVIGATION)
    assert first.status_code == 200
    assert '<meta name="referrer" content="no-referrer">' in first.text
    assert token not in first.text
    assert first.headers["Cache-Control"] == "no-store"
    assert NEXT.findall(first.text) == [path]


def ask_for_link(app: Flask, visitor: Client) -> str:
    done = visitor.send_form("/reset", email=EMAIL)
    assert (done.status_code, done.location) == (303, "/reset/sent")
    assert "Look in your mail" in visitor.ask("GET", "/reset/sent").text
    return token_in(mail(app))


def test_a_new_password_by_mail(app: Flask, ada: Client, visitor: Client) -> None:
    token = ask_for_link(app, visitor)
    open_link(visitor, "/reset/finish", token)
    short = visitor.send_form("/reset/finish", password="short")
    assert short.status_code == 422
    assert "at least 15 characters" in short.text
    done = visitor.send_form("/reset/finish", password=NEW_PASSWORD)
    assert (done.status_code, done.location) == (303, "/login?notice=password_changed")
    assert "Your password is changed" in visitor.ask("GET", done.location).text
    assert ada.log_in(NEW_PASSWORD).status_code == 200
    assert visitor.ask("GET", "/reset/finish").status_code == 400


def test_a_scanner_spends_nothing(app: Flask, ada: Client, visitor: Client) -> None:
    """It follows the link, and the one on the page, with GET and HEAD, before the reader does."""
    token = ask_for_link(app, visitor)
    scanner = Client(app)
    for method in ("HEAD", "GET", "GET"):
        assert scanner.ask(method, f"/reset/finish?token={token}").status_code == 200
        assert scanner.ask(method, "/reset/finish").status_code == 200
    assert ada.alive()
    open_link(visitor, "/reset/finish", token)
    assert visitor.send_form("/reset/finish", password=NEW_PASSWORD).status_code == 303


def test_this_was_not_me(app: Flask, ada: Client, visitor: Client) -> None:
    ada.change_password(NEW_PASSWORD)
    token = token_in(mail(app))
    open_link(visitor, "/secure", token)
    page = visitor.ask("GET", "/secure")
    assert EMAIL in page.text
    assert ada.alive()
    done = visitor.send_form("/secure")
    assert (done.status_code, done.location) == (303, "/secure/done")
    assert "Your account is secured" in visitor.ask("GET", "/secure/done").text
    assert not ada.alive()
    assert visitor.ask("GET", "/secure").status_code == 400


@pytest.mark.parametrize("path", ["/reset/finish", "/secure"])
@pytest.mark.parametrize("token", ["", "no-token", "a" * 5000, "\x00", "%F0%9F%94%91"])
def test_a_damaged_link_says_so(visitor: Client, path: str, token: str) -> None:
    visitor.ask("GET", path, query_string={"token": token})
    page = visitor.ask("GET", path)
    assert page.status_code == 400
    assert "This link does not work any more" in page.text


def test_two_links_in_one_browser(app: Flask, ada: Client, visitor: Client) -> None:
    ada.change_password(NEW_PASSWORD)
    secure = token_in(mail(app))
    reset = ask_for_link(app, visitor)
    open_link(visitor, "/secure", secure)
    open_link(visitor, "/reset/finish", reset)
    assert visitor.ask("GET", "/secure").status_code == 200
    assert visitor.ask("GET", "/reset/finish").status_code == 200


def test_a_form_without_its_csrf_token(app: Flask, ada: Client, visitor: Client) -> None:
    """Another site cannot make a browser that has opened the link press the button."""
    ada.change_password(NEW_PASSWORD)
    open_link(visitor, "/secure", token_in(mail(app)))
    assert visitor.send_form("/secure", csrf_token="").status_code == 400
    assert ada.alive()


def test_what_is_no_address_is_shown_at_the_field(visitor: Client) -> None:
    page = visitor.send_form("/reset", email="nobody")
    assert page.status_code == 400
    assert 'aria-invalid="true"' in page.text
    assert visitor.send_form("/reset", email="").status_code == 400


def test_password_is_required(app: Flask, visitor: Client) -> None:
    open_link(visitor, "/reset/finish", ask_for_link(app, visitor))
    page = visitor.send_form("/reset/finish", password="")
    assert page.status_code == 400
    assert "Enter a password." in page.text


def test_the_log_in_page_leads_there(visitor: Client) -> None:
    assert 'href="/reset"' in visitor.ask("GET", "/login").text
