"""`/openapi.json`: valid, and in step with the routes, their guards and the settings."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import jsonschema_rs
import schemathesis
from flask import Flask

from app import create_app
from app.contract.openapi import document
from app.web.csrf import PROGRAMS
from app.web.guards import MARK, MAX_AGE
from config import Settings
from tests.support.app import PUBLIC_URL, close
from tests.support.client import Client
from tests.support.contract import DOCUMENT, ENDPOINTS, OWN, path_of
from tests.support.databases import one_database

ACCESS: Final[list[dict[str, list[str]]]] = [
    {"accessToken": []},
    {"boundAccessToken": [], "proof": []},
]
PROBLEM: Final = "application/problem+json"


def parts(part: Any) -> Iterator[Any]:  # noqa: ANN401 - any JSON
    """Walk through all parts of a document."""
    yield part
    inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    for one in inner:
        yield from parts(one)


@one_database
def test_it_is_served_and_valid(app: Flask, thief: Client) -> None:
    answer = thief.ask("GET", "/openapi.json")
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert answer.get_data() == document(app) == thief.ask("GET", "/openapi.json").get_data()
    assert answer.get_json()["servers"] == [{"url": PUBLIC_URL}]
    assert answer.get_json()["openapi"] == "3.1.0"
    loaded = schemathesis.openapi.from_wsgi("/openapi.json", app)
    loaded.validate()


@one_database
def test_each_route_for_programs_is_in_it(app: Flask) -> None:
    """With its methods; a product decides for itself which of its routes it describes."""
    routes = {
        (path_of(rule, "{family_id}"), method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD"}
        if rule.rule.startswith(PROGRAMS) and not rule.rule.startswith("/fragments/")
        if not app.view_functions[rule.endpoint].__module__.startswith("app.features.")
    }
    assert {(endpoint.path, endpoint.method) for endpoint in OWN} == routes


@one_database
def test_it_is_in_step_with_the_guards(app: Flask) -> None:
    adapter = app.url_map.bind("localhost", url_scheme="https")
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            endpoint, _ = adapter.match(path, method=method.upper())
            mark = getattr(app.view_functions[endpoint], MARK)
            assert (mark != "public") == (operation["security"] == ACCESS), path
            codes = json.dumps(operation["responses"].get("403", ""))
            assert ("operators_only" in codes) == (mark == "operator"), path
            if max_age := getattr(app.view_functions[endpoint], MAX_AGE, None):
                refused = operation["responses"]["401"]
                assert (
                    "insufficient_user_authentication" in refused["content"][PROBLEM]["examples"]
                )
                assert f"`max_age` is {max_age} here." in refused["description"]


def test_its_names_are_its_own() -> None:
    """Each operation has its id, every reference leads somewhere, and no component is unused."""
    names = [operation.name for operation in ENDPOINTS]
    assert len(set(names)) == len(names)
    used = {part["$ref"] for part in parts(DOCUMENT) if isinstance(part, dict) and "$ref" in part}
    defined = {
        f"#/components/{kind}/{name}"
        for kind, components in DOCUMENT["components"].items()
        for name in components
        if kind != "securitySchemes"
    }
    assert used == defined
    required = {name for one in ENDPOINTS for choice in one.security for name in choice}
    assert required == DOCUMENT["components"]["securitySchemes"].keys()
    assert {one.tag for one in ENDPOINTS} == {tag["name"] for tag in DOCUMENT["tags"]}


def test_each_operation_is_summed_up() -> None:
    for endpoint in OWN:
        summary = DOCUMENT["paths"][endpoint.path][endpoint.method.lower()]["summary"]
        assert 0 < len(summary) < 90
        assert "\n" not in summary


def test_examples_are_examples() -> None:
    objects = [part for part in parts(DOCUMENT["paths"]) if isinstance(part, dict)]
    shown = [content for part in objects for content in part.get("content", {}).values()]
    for content in shown:
        whole = content["schema"] | {"components": DOCUMENT["components"]}
        for example in examples(content):
            jsonschema_rs.validate(whole, example)
    assert all(examples(content) for content in shown if "allOf" in content["schema"])
    # Each body of our own has an example: the fuzzer and the reader begin with it.
    assert all("example" in body for body in bodies("/auth/"))


def bodies(prefix: str) -> list[dict[str, Any]]:
    return [
        content
        for path, item in DOCUMENT["paths"].items()
        if path.startswith(prefix)
        for operation in item.values()
        for content in operation.get("requestBody", {}).get("content", {}).values()
    ]


def examples(content: dict[str, Any]) -> list[Any]:
    names = [shown["$ref"].rpartition("/")[2] for shown in content.get("examples", {}).values()]
    several = [DOCUMENT["components"]["examples"][name]["value"] for name in names]
    return several + ([content["example"]] if "example" in content else [])


def test_an_answer_has_no_field_that_it_does_not_name() -> None:
    """A field that a view adds by mistake is not in the contract; a request may have more."""
    schemas = DOCUMENT["components"]["schemas"]
    sent = {body["schema"]["$ref"].rpartition("/")[2] for body in bodies("/")}
    closed = {name for name, one in schemas.items() if one.get("additionalProperties") is False}
    assert closed == schemas.keys() - sent


@one_database
def test_settings_are_in_it(settings: Settings) -> None:
    named = replace(settings, public_url="https://other.example", product_name="Other")
    app = create_app(replace(named, password_min_length=8))
    other = json.loads(document(app))
    close(app)
    assert other["servers"] == [{"url": "https://other.example"}]
    assert other["info"]["title"] == "Other"
    schemas = other["components"]["schemas"]
    assert schemas["NewPasswordByLink"]["properties"]["password"]["minLength"] == 8
    assert schemas["Credentials"]["properties"]["password"]["minLength"] == 1
