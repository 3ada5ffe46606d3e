"""Pages and forms behind a proxy that asks for a password.

The browser then sends `Authorization: Basic …` with each navigation.
"""

from typing import Final

import pytest
from flask import Flask, session
from flask.sessions import NullSession

from app.web.cookies import REFRESH
from tests.support.client import EMAIL, NAVIGATION, PASSWORD, Client
from tests.support.databases import one_database

pytestmark = one_database

BASIC: Final = {**NAVIGATION, "Authorization": "Basic eDp5"}


def form_token(tab: Client, path: str) -> str:
    page = tab.ask("GET", path, headers=BASIC)
    assert page.status_code == 200
    return page.text.partition('name="csrf_token"')[2].partition('value="')[2].partition('"')[0]


def test_forms_work(tab: Client) -> None:
    tab.create_account()
    fields = {"email": EMAIL, "password": PASSWORD}
    for path, location in (("/register", "/register/sent"), ("/login", "/account")):
        sent = fields | {"csrf_token": form_token(tab, path)}
        answer = tab.ask("POST", path, data=sent, headers=BASIC)
        assert (answer.status_code, answer.location) == (303, location)
    sent = {"csrf_token": form_token(tab, "/account")}
    assert tab.ask("POST", "/logout", data=sent, headers=BASIC).status_code == 303


@pytest.mark.parametrize("token", [None, "", "rubbish"])
@pytest.mark.parametrize("path", ["/register", "/login", "/logout"])
def test_forms_need_their_token(tab: Client, path: str, token: str | None) -> None:
    form_token(tab, "/login")
    fields = {"email": EMAIL, "password": PASSWORD}
    sent = fields | ({} if token is None else {"csrf_token": token})
    answer = tab.ask("POST", path, data=sent, headers=BASIC)
    assert answer.status_code == 400
    assert "This form has expired" in answer.text
    assert REFRESH not in tab.cookies


@pytest.mark.parametrize("path", ["/api/me", "/auth/refresh", "/fragments/account", "/static/x"])
def test_programs_open_no_session(app: Flask, path: str) -> None:
    """A session would cost time in each request, and no program has a form."""
    with app.test_request_context(path, headers=BASIC):
        assert isinstance(session._get_current_object(), NullSession)  # type: ignore[attr-defined]  # noqa: SLF001
