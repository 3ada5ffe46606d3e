"""The pages: what anybody sees, and shells that hold nobody's data."""

import re

from flask import Flask

from tests.support.client import Client
from tests.support.databases import one_database

pytestmark = one_database

PAGES = (
    "/",
    "/register",
    "/login",
    "/threats",
    "/threats/refresh-token-theft",
    "/mistakes",
    "/browsers",
)
SHELLS = ("/account", "/account/sessions", "/account/password", "/account/data")


def body(tab: Client, path: str) -> str:
    """Open a page, check how it is sent, and return it without form token and nonce.

    Both are new with time, whoever asks.
    """
    answer = tab.ask("GET", path)
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    assert answer.headers["Cache-Control"] == "no-store"
    page = answer.text
    page, nonces = re.subn(r'(name="dpop-nonce" content=)"[^"]+"', r"\1", page)
    assert nonces == 1
    return re.sub(r'(name="csrf_token"[^>]*value=)"[^"]*"', r"\1", page)


def test_pages_say_the_same_to_everybody(app: Flask, ada: Client) -> None:
    """But for one link of the header: that a refresh cookie came, nobody verified."""
    tab = Client(app)
    for path in SHELLS:
        assert body(tab, path) == body(ada, path)
    account = '<a href="/account">Account</a>'
    log_in = re.compile(r'<a href="/login"(?: aria-current="page")?>Log in</a>')
    for path in PAGES:
        page = body(ada, path)
        assert page.count(account) == 1
        assert page == log_in.sub(account, body(tab, path), count=1)


def test_shells_are_free_of_data(ada: Client) -> None:
    for path in SHELLS:
        page = body(ada, path)
        for secret in (
            ada.email,
            ada.user_id,
            ada.session_id,
            ada.access_token,
            ada.refresh_token,
        ):
            assert secret not in page
        assert 'data-fragment="/fragments/' in page


def test_no_inline_script_or_style(app: Flask) -> None:
    tab = Client(app)
    for path in (*PAGES, *SHELLS):
        page = body(tab, path)
        assert not re.search(r"<script(?![^>]*\ssrc=)", page)
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", page)
        assert not re.search(r'(src|href)="(https?:)?//', page)


def test_public_pages_need_no_script(app: Flask) -> None:
    """What only script can do is hidden until there is script."""
    for path in ("/threats/refresh-token-theft", "/mistakes"):
        assert "<script" not in body(Client(app), path)
    assert re.findall(r"<button[^>]*>", body(Client(app), "/threats")) == [
        '<button class="button" type="submit">'
    ]
    assert body(Client(app), "/browsers").count("<noscript>") == 1
    for tag in re.findall(r"<button[^>]*>|<ol class=.steps.[^>]*>", body(Client(app), "/")):
        assert "hidden" in tag or "value=" in tag, "the steps are hidden with their list"


def test_every_page_describes_itself(app: Flask) -> None:
    for path in (*PAGES, *SHELLS):
        assert re.search(
            r'<meta name="description" content="[^"]{10,200}">', body(Client(app), path)
        )


def test_notices_are_named_not_quoted(app: Flask) -> None:
    tab = Client(app)
    assert "that session has ended" in body(tab, "/login?notice=session_ended")
    plain = body(tab, "/login")
    for notice in ("<b>hello", "anything", "session_ended,logged_out"):
        assert tab.ask("GET", "/login", query_string={"notice": notice}).status_code == 200
        assert body(tab, "/login?notice=anything") == plain


def test_reading_changes_nothing(app: Flask, ada: Client) -> None:
    before = ada.sessions()
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and not rule.arguments:
            for method in ("GET", "HEAD"):
                ada.protected(method, rule.rule)
    assert ada.sessions() == before
    assert ada.alive()
