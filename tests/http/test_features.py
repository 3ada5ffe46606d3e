"""What a feature of a product adds, and that nothing of Latchkey's gives way to it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint, Flask, render_template_string
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from app import create_app, features
from app.auth import admin
from app.feature import Feature, Tab
from app.pages import TABS
from app.tokens.jws import TokenRefused
from app.web.guards import caller, public, require_access
from config import Settings
from tests.support.app import close, services
from tests.support.client import EMAIL, Client, claims, member, problem, program
from tests.support.databases import one_database
from tests.support.forger import ACCESS, Forger

PLANS: dict[str, str | int] = {"plan": "gold", "seats": 5}


class Trouble(SQLAlchemyError):
    """A row that cannot be deleted."""


@pytest.fixture
def deleted() -> list[str]:
    return []


@pytest.fixture
def notes(tmp_path: Path, deleted: list[str]) -> Feature:
    """A feature that uses every field."""
    (tmp_path / "notes.css").write_text("b { color: red }", encoding="utf-8")
    folder = str(tmp_path)
    blueprint = Blueprint(
        "notes",
        __name__,
        static_folder=folder,
        static_url_path="/notes/static",
        template_folder=folder,
    )

    @blueprint.get("/account/notes")
    @public
    def page() -> str:
        return render_template_string("{% extends 'shell.html' %}")

    @blueprint.get("/fragments/notes")
    @require_access
    def fragment() -> str:
        return f"{caller().claim('plan')} {caller().claim('seats')}"

    @blueprint.get("/forgotten")
    def forgotten() -> str:
        return "forgotten"

    def delete_rows(connection: Connection, user_id: str) -> None:
        assert connection.in_transaction()
        deleted.append(user_id)
        if "stays" in PLANS:
            raise Trouble

    tab = Tab("Notes", "notes.page", "notes.fragment")
    kinds = {"plan": str, "seats": int}
    bare = Blueprint("bare", __name__)  # one without static files
    return Feature((blueprint, bare), (tab,), delete_rows, kinds, lambda _user: PLANS)


@pytest.fixture
def product(
    settings: Settings, notes: Feature, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Flask]:
    monkeypatch.setattr(features, "load", lambda: (notes,))
    app = create_app(settings)
    yield app
    close(app)


@pytest.fixture
def owner(product: Flask) -> Client:
    return member(product)


@pytest.mark.parametrize("names", ["notes", ("gone",), ("no name",), ["notes"]])
def test_a_wrong_list_of_features_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, names: object
) -> None:
    monkeypatch.setattr(features, "FEATURES", names)
    with pytest.raises(features.FeaturesError, match=r"^FEATURES in app/features/__init__\.py"):
        features.check_names()


def test_a_right_list_of_features_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "FEATURES", ("notes", "bookmarks"))
    packages = {"app.features.notes": 1, "app.features.bookmarks": 2}
    monkeypatch.setattr(features, "find_spec", packages.pop)
    features.check_names()
    assert packages == {}


def test_its_tab_follows_our_own(product: Flask) -> None:
    thief = program(product)
    pages = [thief.ask("GET", path).text for path in ("/account", "/account/notes")]
    for page in pages:
        assert page.count("data-fragment=") == len(TABS) + 1
        assert page.index("/fragments/password") < page.index("/fragments/notes")
    assert 'href="/account/notes" data-fragment="/fragments/notes" aria-current' in pages[1]


def test_what_is_under_its_tab_is_named_before_it_is_deleted(owner: Client) -> None:
    page = owner.protected("GET", "/fragments/data").text
    assert "and what is under Notes" in page
    assert "<li>everything under Notes</li>" in page


def test_its_routes_are_guarded_like_ours(product: Flask, owner: Client) -> None:
    thief = program(product)
    problem(thief.ask("GET", "/fragments/notes"), 401, "invalid_token")
    problem(thief.ask("GET", "/forgotten"), 401, "invalid_token")
    assert thief.ask("GET", "/notes/static/notes.css").get_data() == b"b { color: red }"
    assert owner.protected("GET", "/fragments/notes").get_data() == b"gold 5"


def test_its_static_files_are_stored_and_asked_for_like_ours(product: Flask) -> None:
    """Wherever its static folder is; what else is below that path is not stored."""
    thief = program(product)
    for path in ("/static/css/latchkey.css", "/notes/static/notes.css"):
        answer = thief.ask("GET", path)
        assert answer.headers.getlist("Cache-Control") == ["no-cache"]
        again = thief.ask("GET", path, headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.headers["Cache-Control"]) == (304, "no-cache")
        absent = thief.ask("GET", f"{path}.map")
        assert (absent.status_code, absent.headers["Cache-Control"]) == (404, "no-store")
    assert thief.ask("GET", "/static/../login").headers["Cache-Control"] == "no-store"


def test_its_home_page_replaces_ours(product: Flask, tmp_path: Path) -> None:
    home = "{% extends 'base.html' %}{% block main %}<h1>Keep notes</h1>{% endblock %}"
    assert "Steal the key" in program(product).ask("GET", "/").text
    (tmp_path / "home.html").write_text(home, encoding="utf-8")
    page = program(product).ask("GET", "/").text
    assert "<h1>Keep notes</h1>" in page
    assert 'href="/login"' in page


def test_its_claims_are_in_every_access_token(owner: Client) -> None:
    assert {name: claims(owner.access_token)[name] for name in PLANS} == PLANS
    owner.refresh()
    assert {name: claims(owner.access_token)[name] for name in PLANS} == PLANS


@one_database
@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({}, ""),
        ({"plan": "tin"}, ""),
        ({"plan": 1}, "claim_type"),
        ({"seats": "5"}, "claim_type"),
        ({"seats": True}, "claim_type"),
        ({"plan": None}, "claim_type"),
        ({"plan": "tin", "role": "admin"}, "claims"),
    ],
)
def test_the_codec_knows_its_claims_and_no_other(
    product: Flask, settings: Settings, said: dict[str, object], reason: str
) -> None:
    """A token from before the claim was added stays valid; another type or name does not."""
    codec, forger = services(product).access_tokens, Forger(settings, ACCESS, 1_800_000_000)
    token = forger.forge(claims=forger.claims() | said)
    if reason:
        with pytest.raises(TokenRefused, match=f"^{reason}$"):
            codec.verify(token, forger.now)
    else:
        assert codec.verify(token, forger.now).plan == said.get("plan")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "values", [{"seats": True}, {"seats": "5"}, {"plan": None}, {"other": 1}, {"sub": "eve"}]
)
def test_values_of_another_type_are_not_issued(
    owner: Client, monkeypatch: pytest.MonkeyPatch, values: dict[str, Any]
) -> None:
    """A token with them would be refused by every request; the log-in says it at once."""
    for name, value in values.items():
        monkeypatch.setitem(PLANS, name, value)
    problem(owner.log_in(), 500, "internal_error")
    monkeypatch.undo()
    assert owner.log_in().status_code == 200


def test_its_rows_go_with_the_user(product: Flask, owner: Client, deleted: list[str]) -> None:
    auth = services(product).auth
    admin.delete(auth, admin.find_user(auth, EMAIL))
    assert deleted == [owner.user_id]
    problem(owner.me(), 401, "invalid_token")


def test_a_row_that_stays_keeps_the_account(
    product: Flask, owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    auth = services(product).auth
    monkeypatch.setitem(PLANS, "stays", 1)
    with pytest.raises(Trouble):
        admin.delete(auth, admin.find_user(auth, EMAIL))
    monkeypatch.undo()
    assert owner.alive()
    assert owner.log_in().status_code == 200
