"""`/openapi.json`: valid, and in step with the routes, their marks and the settings."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import jsonschema_rs
import pytest
import schemathesis

from app.api.components import ACCESS, TYPES
from app.api.openapi import document
from app.api.operations import OPERATIONS
from app.api.schemas import FIELDS, component
from app.web.guards import MARK
from tests.support.app import PUBLIC_URL
from tests.support.client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

    from config import Settings

NOT_JSON: Final = ("pages.", "fragments.", "static")
SHORTEST: Final = 15
DOCUMENT: Final[dict[str, Any]] = json.loads(document(PUBLIC_URL, SHORTEST))


def everything(part: Any) -> Iterator[Any]:  # noqa: ANN401 - any JSON
    """Walk through all parts of a document."""
    yield part
    for inner in (
        part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    ):
        yield from everything(inner)


def test_it_is_served_and_valid(app: Flask, thief: Client, settings: Settings) -> None:
    """OpenAPI 3.1, for everybody, as the settings make it."""
    answer = thief.ask("GET", "/openapi.json")
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert answer.get_json() == json.loads(document(PUBLIC_URL, settings.password_min_length))
    assert answer.get_json()["servers"] == [{"url": PUBLIC_URL}]
    assert answer.get_json()["openapi"] == "3.1.0"
    loaded = schemathesis.openapi.from_wsgi("/openapi.json", app)
    loaded.validate()


def test_it_is_in_step_with_the_routes(app: Flask) -> None:
    """Each JSON route is in it with its methods; no page, fragment or file is."""
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD"}
        if not rule.endpoint.startswith(NOT_JSON)
    }
    told = {(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert told == routes


def test_it_is_in_step_with_the_marks(app: Flask) -> None:
    """An operation asks for an access token exactly where the guard does."""
    adapter = app.url_map.bind("localhost", url_scheme="https")
    for operation in OPERATIONS:
        endpoint, _ = adapter.match(operation.path, method=operation.method.upper())
        mark = getattr(app.view_functions[endpoint], MARK)
        assert (mark == "required") == (operation.security == ACCESS), operation.name


def test_its_names_are_its_own() -> None:
    """Each operation has its id, every reference leads somewhere, and nothing lies about."""
    names = [operation.name for operation in OPERATIONS]
    assert len(set(names)) == len(names)
    used = {
        part["$ref"] for part in everything(DOCUMENT) if isinstance(part, dict) and "$ref" in part
    }
    kept = {
        f"#/components/{kind}/{name}"
        for kind, parts in DOCUMENT["components"].items()
        for name in parts
        if kind != "securitySchemes"
    }
    assert used == kept
    asked = {name for o in OPERATIONS for choice in o.security for name in choice}
    assert asked == DOCUMENT["components"]["securitySchemes"].keys()
    tags = {operation.tag for operation in OPERATIONS}
    assert tags == {tag["name"] for tag in DOCUMENT["tags"]}


def test_each_word_on_a_field_is_on_a_field() -> None:
    """What is said by a field's name is said of a field there is."""
    fields = {name for kind in TYPES for name in component(kind)["properties"]}
    assert fields >= FIELDS.keys()


def test_examples_are_examples() -> None:
    """Each request body and problem shown is what its schema takes."""
    bodies = [part for part in everything(DOCUMENT["paths"]) if isinstance(part, dict)]
    shown = [content for part in bodies for content in part.get("content", {}).values()]
    for content in shown:
        whole = content["schema"] | {"components": DOCUMENT["components"]}
        for example in examples(content):
            jsonschema_rs.validate(whole, example)
    assert all(examples(content) for content in shown if "allOf" in content["schema"])


def examples(content: dict[str, Any]) -> list[Any]:
    """List the examples of a body."""
    names = [shown["$ref"].rpartition("/")[2] for shown in content.get("examples", {}).values()]
    several = [DOCUMENT["components"]["examples"][name]["value"] for name in names]
    return several + ([content["example"]] if "example" in content else [])


def test_settings_are_in_it() -> None:
    """The address and the shortest password are this server's."""
    other = json.loads(document("https://other.example", 8))
    assert other["servers"] == [{"url": "https://other.example"}]
    new = other["components"]["schemas"]["Registration"]["properties"]["password"]
    assert new["minLength"] == 8


class Strange:
    """Has a field that no JSON says."""

    field: bytes


def test_a_type_without_counterpart_is_refused() -> None:
    """Whoever adds a field that no program could read is told so."""
    with pytest.raises(TypeError, match=r"^no JSON Schema for"):
        component(Strange)
