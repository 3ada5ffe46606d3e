"""What `/openapi.json` says of an endpoint that a product adds."""

import json
from typing import Annotated, Any, NotRequired, TypedDict

import pytest
from flask import Blueprint, Response
from msgspec import Meta

from app import create_app, features
from app.contract.openapi import document
from app.feature import Feature
from app.web.guards import require_operator
from app.web.json_endpoint import NoContent, json_endpoint
from config import Settings
from tests.support.app import close


class Page(TypedDict):
    """Which part of a list."""

    tag: str
    limit: NotRequired[Annotated[int, Meta(ge=1, le=100, description="How many.")]]


class Line(TypedDict):
    """One line."""

    text: str


class Bill(TypedDict):
    """A bill."""

    lines: list[Line]


@pytest.fixture
def described(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The document of a product with one endpoint more."""
    blueprint = Blueprint("bills", __name__)

    @blueprint.put("/api/bills/<int:year>")
    @require_operator
    @json_endpoint()
    def put_bill(year: int, body: Bill, query: Page) -> NoContent:
        """Write a bill.

        It replaces the one of that year.
        """
        return Response(f"{year} {body} {query}", status=204)

    monkeypatch.setattr(features, "load", lambda: (Feature((blueprint,)),))
    app = create_app(settings)
    close(app)
    whole: dict[str, Any] = json.loads(document(app))
    return whole


def test_a_description_comes_from_the_view(described: dict[str, Any]) -> None:
    operation = described["paths"]["/api/bills/{year}"]["put"]
    assert operation["operationId"] == "bills_put_bill"
    assert operation["summary"] == "Write a bill"
    assert operation["description"] == "It replaces the one of that year."
    limit = {"type": "integer", "minimum": 1, "maximum": 100, "description": "How many."}
    tag = {"type": "string", "pattern": "^[^\\u0000]*$"}
    assert operation["parameters"] == [
        {"name": "year", "in": "path", "required": True, "schema": {"type": "integer"}},
        {"name": "limit", "in": "query", "required": False, "schema": limit},
        {"name": "tag", "in": "query", "required": True, "schema": tag},
    ]
    statuses = "204 400 401 403 404 413 415 421 500 503"
    assert set(operation["responses"]) == set(statuses.split())
    codes = operation["responses"]["403"]["content"]["application/problem+json"]["examples"]
    assert set(codes) == {"cross_origin", "operators_only"}


def test_the_types_inside_a_body_are_described(described: dict[str, Any]) -> None:
    schemas = described["components"]["schemas"]
    assert schemas["Bill"]["properties"]["lines"]["items"] == {"$ref": "#/components/schemas/Line"}
    assert schemas["Line"]["properties"]["text"]["pattern"] == "^[^\\u0000]*$"
    body = described["paths"]["/api/bills/{year}"]["put"]["requestBody"]
    assert "example" not in body["content"]["application/json"]
