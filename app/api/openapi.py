"""`/openapi.json`: the JSON endpoints as an OpenAPI 3.1 document, for people and for tools."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Annotated, Any

from flask import Flask, Response

from app.web.guards import public
from app.web.json_endpoint import Success, json_endpoint


def install(app: Flask, document: Callable[[Flask], bytes]) -> None:
    """Serve what `document` returns for `app`; it is called once, at the first request."""
    once = cache(lambda: document(app))

    @app.get("/openapi.json")
    @public
    @json_endpoint()
    def openapi() -> Annotated[Response, Success(200, dict[str, Any])]:
        """Describe the JSON endpoints: this document."""
        return Response(once(), content_type="application/json")
