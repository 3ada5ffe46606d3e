"""What a product sets: its name and looks, its operators, larger bodies, other origins."""

import io
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from flask import Flask, request

from app import create_app
from app.web.bodies import large_body
from app.web.guards import caller, require_access, require_operator
from config import BODY_BYTES, Settings
from tests.support.app import close
from tests.support.client import Client, member, problem, program
from tests.support.databases import one_database
from tests.support.operators import make_operator

pytestmark = one_database


@pytest.fixture
def with_settings(settings: Settings) -> Iterator[Callable[..., Flask]]:
    built: list[Flask] = []

    def build(**changes: object) -> Flask:
        built.append(create_app(replace(settings, **changes)))  # type: ignore[arg-type]
        return built[-1]

    yield build
    for app in built:
        close(app)


def test_the_name_and_looks_are_the_products(with_settings: Callable[..., Flask]) -> None:
    brand = {"brand_css": "css/brand.css", "brand_logo": "img/ink.svg"}
    app = with_settings(product_name="Ink & Co", **brand)
    for path in ("/", "/login", "/account", "/nowhere"):
        page = program(app).ask("GET", path, headers={"Accept": "text/html"}).text
        assert "Ink &amp; Co</title>" in page
        assert '<span class="word">Ink &amp; Co</span></a>' in page
        assert "Latchkey" not in page
        assert page.index("css/latchkey.css") < page.index("/css/brand.css")
        assert page.count("/img/ink.svg") == 2
        assert "theme-color" not in page


def test_the_policy_has_the_products_origins(with_settings: Callable[..., Flask]) -> None:
    app = with_settings(
        csp_img_src=("https://img.example",),
        csp_connect_src=("https://api.example", "wss://x.example"),
    )
    for path in ("/", "/nowhere", "/static/css/latchkey.css"):
        (sent,) = program(app).ask("GET", path).headers.getlist("Content-Security-Policy")
        policy = dict(part.split(" ", 1) for part in sent.split("; "))
        assert policy["img-src"] == "'self' https://img.example"
        assert policy["connect-src"] == "'self' https://api.example wss://x.example"
        assert policy["script-src"] == policy["style-src"] == policy["font-src"] == "'self'"


@pytest.fixture
def uploads(with_settings: Callable[..., Flask]) -> Flask:
    app = with_settings(max_body_bytes=16 * BODY_BYTES)

    @app.post("/large")
    @require_access
    @large_body
    def large() -> str:
        files = "".join(one.read().decode() for one in request.files.values())
        return str(len(files or request.get_data()))

    @app.post("/usual")
    @require_access
    def usual() -> str:
        return str(len(request.get_data()))

    return app


def test_a_large_body_is_for_the_route_that_asks_for_it(uploads: Flask) -> None:
    ada = member(uploads)

    def size(path: str, length: int) -> int | str:
        answer = ada.ask("POST", path, headers=ada.bearer, data=b"a" * length)
        return answer.text if answer.status_code == 200 else answer.status_code

    assert size("/usual", BODY_BYTES) == str(BODY_BYTES)
    assert size("/usual", BODY_BYTES + 1) == 413
    assert size("/large", 16 * BODY_BYTES) == str(16 * BODY_BYTES)
    assert size("/large", 16 * BODY_BYTES + 1) == 413
    assert size("/auth/login", BODY_BYTES + 1) == 415
    login = {"email": ada.email, "password": "a" * BODY_BYTES}
    assert ada.ask("POST", "/auth/login", login).status_code == 413


def test_a_large_form_has_a_large_file_and_no_large_field(uploads: Flask) -> None:
    ada = member(uploads)

    def post(**parts: object) -> tuple[int, str]:
        answer = ada.ask("POST", "/large", headers=ada.bearer, data=parts)
        return answer.status_code, answer.text

    length = 4 * BODY_BYTES
    assert post(photo=(io.BytesIO(b"a" * length), "photo.jpg")) == (200, str(length))
    assert post(text="a" * length, photo=(io.BytesIO(b"a"), "photo.jpg"))[0] == 413


def test_without_a_token_a_large_body_is_not_read(uploads: Flask) -> None:
    answer = program(uploads).ask("POST", "/large", data=b"a" * 4 * BODY_BYTES)
    problem(answer, 401, "invalid_token")


@pytest.fixture
def operated(app: Flask) -> Flask:
    @app.get("/operated")
    @require_operator
    def view() -> str:
        return caller().user_id

    return app


def test_nobody_is_an_operator_by_default(operated: Flask, ada: Client, thief: Client) -> None:
    problem(thief.ask("GET", "/operated"), 401, "invalid_token")
    problem(ada.protected("GET", "/operated"), 403, "operators_only")
    assert operated.extensions["latchkey"].settings.operators == frozenset()
    assert ada.alive()


def test_an_operator_is_one_by_id(operated: Flask, ada: Client) -> None:
    bob = member(operated, "bob@example.com")
    make_operator(operated, ada.user_id)
    assert ada.protected("GET", "/operated").text == ada.user_id
    problem(bob.protected("GET", "/operated"), 403, "operators_only")
