"""The pages of a change of address, without script."""

import re

import pytest
from flask import Flask

from tests.support.app import running, services
from tests.support.client import EMAIL, NAVIGATION, Client, member
from tests.support.databases import one_database
from tests.support.email_change import NEW_EMAIL, address_of, change, letters, link_to
from tests.support.mail import mails, registration_token, token_in

pytestmark = one_database

NEXT = re.compile(r'<meta http-equiv="refresh" content="0; url=([^"]+)">')
TOKEN = re.compile(r'name="token" value="([^"]*)"')
CONFIRM, UNDO = "/email/confirm", "/email/undo"


def open_link(visitor: Client, path: str, token: str) -> str:
    """Follow a mailed link to the page with the button; return that page."""
    first = visitor.ask("GET", f"{path}?token={token}", headers=NAVIGATION)
    assert first.status_code == 200
    assert token not in first.text
    assert first.headers["Cache-Control"] == "no-store"
    assert NEXT.findall(first.text) == [path]
    page = visitor.ask("GET", path, headers=NAVIGATION)
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    assert "no-referrer" in first.text
    return page.text


def press(visitor: Client, path: str, page: str = "") -> tuple[int, str]:
    """Press the button of a page, or of the page that is opened again for it."""
    page = page or visitor.ask("GET", path, headers=NAVIGATION).text
    csrf_token = page.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
    data = {"csrf_token": csrf_token, "token": TOKEN.findall(page)[0]}
    answer = visitor.ask("POST", path, headers=NAVIGATION, data=data)
    return answer.status_code, answer.location or answer.text


def test_confirm_and_undo(app: Flask, ada: Client, visitor: Client) -> None:
    page = open_link(visitor, CONFIRM, link_to(app, ada))
    assert NEW_EMAIL in page
    assert EMAIL not in page
    assert address_of(app, ada) == EMAIL
    assert press(visitor, CONFIRM, page) == (303, "/email/confirmed")
    assert "Your address is changed" in visitor.ask("GET", "/email/confirmed").text
    assert address_of(app, ada) == NEW_EMAIL
    assert visitor.ask("GET", CONFIRM).status_code == 400

    page = open_link(visitor, UNDO, token_in(letters(app)[EMAIL]))
    assert EMAIL in page
    assert NEW_EMAIL not in page
    assert ada.alive()
    assert press(visitor, UNDO, page) == (303, "/email/undone")
    assert "Your address is restored" in visitor.ask("GET", "/email/undone").text
    assert address_of(app, ada) == EMAIL
    assert not ada.alive()
    assert visitor.ask("GET", UNDO).status_code == 400


@pytest.mark.parametrize("path", [CONFIRM, UNDO])
def test_a_scanner_spends_nothing(app: Flask, ada: Client, visitor: Client, path: str) -> None:
    """It follows the link, and the one on the page, with GET and HEAD, before the reader does."""
    token = link_to(app, ada) if path == CONFIRM else change(app, ada)
    before = address_of(app, ada)
    scanner = Client(app)
    for method in ("HEAD", "GET", "GET"):
        assert scanner.ask(method, f"{path}?token={token}").status_code == 200
        assert scanner.ask(method, path).status_code == 200
    assert address_of(app, ada) == before
    assert ada.alive()
    assert press(visitor, path, open_link(visitor, path, token))[0] == 303
    assert address_of(app, ada) != before


def test_two_links_in_two_tabs(app: Flask, ada: Client, visitor: Client) -> None:
    """Each button does what its own page says."""
    bob = member(app, "bob@example.com")
    mails(app)
    first = open_link(visitor, CONFIRM, link_to(app, ada))
    open_link(visitor, CONFIRM, link_to(app, bob, "bob@new.example"))
    assert press(visitor, CONFIRM, first)[0] == 303
    assert address_of(app, ada) == NEW_EMAIL
    assert address_of(app, bob) == "bob@example.com"


def test_this_was_not_me_in_two_tabs(app: Flask, ada: Client, visitor: Client) -> None:
    tokens = [link_to_secure(app, one) for one in (ada, member(app, "bob@example.com"))]
    first, _ = [open_link(visitor, "/secure", token) for token in tokens]
    assert press(visitor, "/secure", first) == (303, "/secure/done")
    assert not ada.alive()


def link_to_secure(app: Flask, client: Client) -> str:
    mails(app)
    assert client.change_password("another marble teapot wanders").status_code == 200
    return token_in(letters(app)[client.email])


@pytest.mark.parametrize("path", [CONFIRM, UNDO])
def test_an_address_that_has_an_account_now(
    app: Flask, ada: Client, visitor: Client, path: str
) -> None:
    token = link_to(app, ada) if path == CONFIRM else change(app, ada)
    newcomer = Client(app, NEW_EMAIL if path == CONFIRM else EMAIL)
    assert newcomer.finish_account(registration_token(newcomer)).status_code == 201
    status, text = press(visitor, path, open_link(visitor, path, token))
    assert status == 409
    assert "This address has an account" in text
    assert "an account" in text
    assert ada.alive()
    assert newcomer.alive()


@pytest.mark.parametrize("path", [CONFIRM, UNDO])
@pytest.mark.parametrize("token", ["", "no-token", "a" * 5000, "\x00", "%F0%9F%94%91"])
def test_a_damaged_link_says_so(visitor: Client, path: str, token: str) -> None:
    visitor.ask("GET", path, query_string={"token": token})
    page = visitor.ask("GET", path)
    assert page.status_code == 400
    assert "This link does not work any more" in page.text


@pytest.mark.parametrize("path", [CONFIRM, UNDO])
def test_a_form_without_its_csrf_token(
    app: Flask, ada: Client, visitor: Client, path: str
) -> None:
    """Another site cannot make a browser that has opened the link press the button."""
    token = link_to(app, ada) if path == CONFIRM else change(app, ada)
    before = address_of(app, ada)
    open_link(visitor, path, token)
    assert visitor.send_form(path, csrf_token="", token=token).status_code == 400
    assert address_of(app, ada) == before


def test_the_fragment_has_the_form(app: Flask, ada: Client, visitor: Client) -> None:
    shell = visitor.ask("GET", "/account/email")
    assert shell.status_code == 200
    assert EMAIL not in shell.text
    page = ada.protected("GET", "/fragments/email").text
    assert EMAIL in page
    assert "New e-mail address" in page
    assert services(app).auth.outbox.is_open
    assert visitor.ask("GET", "/fragments/email").status_code == 401


@pytest.mark.usefixtures("valkey")
def test_the_fragment_where_no_mail_is_sent(environment: dict[str, str]) -> None:
    with running(environment, MAIL_URL="none") as app:
        page = member(app).protected("GET", "/fragments/email").text
        assert "This site sends no mail" in page
        assert "<form" not in page
