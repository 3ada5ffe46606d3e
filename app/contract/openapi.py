"""The OpenAPI 3.1 document of an application, made from its routes, views and type hints.

`@json_endpoint` says what is in it; nothing here names an endpoint.
"""

from __future__ import annotations

import inspect
import json
from http import HTTPStatus
from itertools import groupby
from operator import attrgetter
from typing import Any, Final, is_typeddict

import msgspec
from flask import Flask

from app.contract.components import HEADERS, PROOF, SECURITY_SCHEMES, example_of
from app.contract.endpoints import Endpoint, endpoints
from app.contract.schemas import Schema, Schemas, query_fields
from app.errors import SessionEnded, WeakPassword
from app.services import NAME
from app.web.headers import AUTH
from app.web.json_endpoint import Success
from app.web.problem_detail import PROBLEM_JSON, ProblemDetail
from app.web.problems import UNAUTHORIZED
from app.web.responses import Problem
from config import Settings

VERSION: Final = "0.1.0"
SUMMARY: Final = """\
JWT sessions. Log in, keep `access_token` in memory and send it as `Authorization: Bearer …`; \
the refresh token is in a cookie that no script can read. A few minutes later, and after a \
reload, send `POST /auth/refresh`.

**Refusals** are RFC 9457 problems. Decide by `code`, which is stable; show `detail`. Only 401 \
`session_ended` and a log-out clear the cookie.

**Origin.** State changes are accepted from this origin and from programs that send no `Origin`.

**Proofs.** With a `DPoP` header (RFC 9449) log-in and refresh bind the session to a key. \
Afterwards send `Authorization: DPoP …` and a proof with every protected request. 400 or 401 \
`use_dpop_nonce` asks to repeat the request with the nonce of `DPoP-Nonce`.

**Step-up.** 401 `insufficient_user_authentication` asks for a proof of who the user is that is \
at most `max_age` seconds old (RFC 9470). `POST /auth/reauthenticate` renews it.

**Limits.** Attempts are counted per account, per address and per session; 429 says in \
`Retry-After` when to try again. No answer may be stored.

Further fields of a request are ignored; an answer has no other fields than those named here.
"""
JSON: Final = "application/json"
WITH_RETRY_AFTER: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


def document(app: Flask) -> bytes:
    """Return the document of `app` as JSON in UTF-8."""
    settings: Settings = app.extensions[NAME].settings
    found = endpoints(app)
    schemas = Schemas(
        [endpoint.description.body for endpoint in found if endpoint.description.body],
        [Problem, *_response_types(found)],
        settings.password_min_length,
    )
    refusals = {refusal for endpoint in found for refusal in endpoint.refusals}
    info = {"title": settings.product_name, "version": VERSION, "description": SUMMARY}
    whole = {
        "openapi": "3.1.0",
        "info": info | {"license": {"name": "MIT", "identifier": "MIT"}},
        "servers": [{"url": settings.public_url}],
        "tags": [{"name": tag} for tag in dict.fromkeys(endpoint.tag for endpoint in found)],
        "paths": _paths(found, schemas),
        "components": {
            "schemas": schemas.components,
            "examples": {_name(r): {"value": example_of(r)} for r in sorted(refusals, key=_name)},
            "headers": {name: {"required": True} | header for name, header in HEADERS.items()},
            "parameters": {"Proof": PROOF},
            "securitySchemes": SECURITY_SCHEMES,
        },
    }
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()


def _paths(found: list[Endpoint], schemas: Schemas) -> dict[str, Schema]:
    paths: dict[str, Schema] = {}
    for endpoint in found:
        operations = paths.setdefault(endpoint.path, {})
        operations[endpoint.method.lower()] = _operation(endpoint, schemas)
    return paths


def _response_types(found: list[Endpoint]) -> list[type[Any]]:
    successes = (success for endpoint in found for success in endpoint.description.successes)
    bodies = (success.body for success in successes)
    return [body for body in bodies if body and is_typeddict(body)]


def _operation(endpoint: Endpoint, schemas: Schemas) -> Schema:
    summary, _, description = (inspect.getdoc(endpoint.view) or "").partition("\n\n")
    responses = {
        str(success.status): _success(endpoint, success, schemas)
        for success in endpoint.description.successes
    }
    for status, refusals in groupby(endpoint.refusals, attrgetter("status")):
        responses[str(status)] = _refusal(endpoint, status, list(refusals), schemas)
    operation: Schema = {
        "operationId": endpoint.name,
        "tags": [endpoint.tag],
        "summary": summary.removesuffix("."),
        "description": description,
        "security": endpoint.security,
        "parameters": _parameters(endpoint),
        "responses": responses,
    }
    if body := endpoint.description.body:
        example = schemas.example(body)
        content = {"schema": schemas.of(body)} | ({"example": example} if example else {})
        operation["requestBody"] = {"required": True, "content": {JSON: content}}
    return operation


def _parameters(endpoint: Endpoint) -> list[Schema]:
    parameters: list[Schema] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": msgspec.json.schema(endpoint.description.path.get(name, str)),
        }
        for name in sorted(endpoint.rule.arguments)
    ]
    if query := endpoint.description.query:
        required, fields = query_fields(query)
        parameters += [
            {"name": name, "in": "query", "required": name in required, "schema": schema}
            for name, schema in fields.items()
        ]
    proof = [{"$ref": "#/components/parameters/Proof"}] if endpoint.description.proof else []
    return [*parameters, *proof]


def _success(endpoint: Endpoint, success: Success, schemas: Schemas) -> Schema:
    response: Schema = {
        "description": HTTPStatus(success.status).phrase,
        "headers": _headers(endpoint, success.status, *success.headers),
    }
    if success.body:
        typed = is_typeddict(success.body)
        schema = schemas.of(success.body) if typed else msgspec.json.schema(success.body)
        response["content"] = {JSON: {"schema": schema}}
    return response


def _refusal(
    endpoint: Endpoint, status: int, refusals: list[ProblemDetail], schemas: Schemas
) -> Schema:
    codes = [refusal.code for refusal in refusals]
    headers = [
        *(["WWW-Authenticate"] if status == UNAUTHORIZED and endpoint.guarded else []),
        *(["Retry-After"] if status in WITH_RETRY_AFTER else []),
        *(["Set-Cookie"] if SessionEnded.code in codes else []),
    ]
    narrowed: Schema = {"properties": {"status": {"const": status}, "code": {"enum": codes}}}
    if codes == [WeakPassword.code]:
        narrowed["required"] = ["reasons"]
    examples = {
        refusal.code: {"$ref": f"#/components/examples/{_name(refusal)}"} for refusal in refusals
    }
    schema = {"allOf": [schemas.of(Problem), narrowed]}
    lines = [f"`{refusal.code}`: {refusal.detail}" for refusal in refusals]
    if status == UNAUTHORIZED and endpoint.max_age is not None:
        lines.append(f"`max_age` is {endpoint.max_age} here.")
    return {
        "description": "  \n".join(lines),
        "headers": _headers(endpoint, status, *headers),
        "content": {PROBLEM_JSON: {"schema": schema, "examples": examples}},
    }


def _headers(endpoint: Endpoint, status: int, *more: str) -> Schema:
    nonce = endpoint.path.startswith(AUTH) or status == UNAUTHORIZED
    names = ("X-Request-Id", *(("DPoP-Nonce",) if nonce else ()), *more)
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _name(refusal: ProblemDetail) -> str:
    return f"{refusal.status}-{refusal.code}"
