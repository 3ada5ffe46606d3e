"""`/openapi.json`: the JSON endpoints as an OpenAPI 3.1 document, for people and for tools."""

from __future__ import annotations

import json
from functools import lru_cache
from http import HTTPStatus
from itertools import groupby
from operator import attrgetter
from typing import Any, Final, is_typeddict

from flask import Blueprint, Response

from app.api.components import ACCESS, HEADERS, PARAMETERS, SECURITY_SCHEMES, TYPES, Bodies, bodies
from app.api.operations import OPERATIONS, Answer, Operation
from app.api.schemas import Schema, component, reference
from app.errors import SessionEnded, WeakPassword
from app.services import services
from app.web.guards import public
from app.web.headers import AUTH
from app.web.problems import PROBLEM_JSON, UNAUTHORIZED, Problem, ProblemDetail

VERSION: Final = "0.1.0"
SUMMARY: Final = """\
JWT sessions. Log in, keep `access_token` in memory and send it as `Authorization: Bearer …`; \
the refresh token is in a cookie that no script can read. A few minutes later, and after a \
reload, `POST /auth/refresh`.

**Refusals** are RFC 9457 problems. Decide by `code`, which is stable; show `detail`. Only 401 \
`session_ended` and a log-out take the cookie back.

**Origin.** What changes state is answered for this origin and for programs that name none.

**Proofs.** With a `DPoP` header (RFC 9449) log-in and refresh bind the session to a key. From \
then on send `Authorization: DPoP …` and a proof with every protected request. 400 or 401 \
`use_dpop_nonce` asks to repeat with the nonce of `DPoP-Nonce`.

**Limits.** Attempts are counted per account, per address and per session; 429 says in \
`Retry-After` when to come back. No answer may be stored.

Fields that are not named here are not looked at in a request, and not there in an answer.
"""
TAGS: Final = (
    {"name": "Session", "description": "Begin one, keep it alive, end it."},
    {"name": "Account", "description": "For who is logged in."},
    {"name": "Service", "description": "For operators and tools."},
)
INFO: Final = {
    "title": "Latchkey",
    "version": VERSION,
    "description": SUMMARY,
    "license": {"name": "MIT", "identifier": "MIT"},
}
JSON: Final = "application/json"
WAITS: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})

blueprint: Final = Blueprint("openapi", __name__)


@blueprint.get("/openapi.json")
@public
def openapi() -> Response:
    """Describe the JSON endpoints."""
    settings = services().settings
    text = document(settings.public_url, settings.password_min_length)
    return Response(text, content_type=JSON)


@lru_cache(maxsize=1)
def document(public_url: str, shortest_password: int) -> bytes:
    """Return the document of a server at `public_url` that wants passwords of that length."""
    taken = bodies(shortest_password)
    paths: dict[str, Schema] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation, taken)
    whole = {
        "openapi": "3.1.0",
        "info": INFO,
        "servers": [{"url": public_url}],
        "tags": TAGS,
        "paths": paths,
        "components": _components(taken),
    }
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()


def _components(taken: Bodies) -> Schema:
    sent = {name: schema for name, (schema, _) in taken.items()}
    faults = {fault for operation in OPERATIONS for fault in operation.refusals}
    return {
        "schemas": {kind.__name__: component(kind) for kind in TYPES} | sent,
        "examples": {_name(f): {"value": _example(f)} for f in sorted(faults, key=_name)},
        "headers": {name: {"required": True} | header for name, header in HEADERS.items()},
        "parameters": PARAMETERS,
        "securitySchemes": SECURITY_SCHEMES,
    }


def _operation(operation: Operation, taken: Bodies) -> Schema:
    answers = {str(answer.status): _answer(operation, answer) for answer in operation.answers}
    refusals = sorted(operation.refusals, key=attrgetter("status"))
    for status, faults in groupby(refusals, attrgetter("status")):
        answers[str(status)] = _refusal(operation, status, tuple(faults))
    parameters = [{"$ref": f"#/components/parameters/{name}"} for name in operation.parameters]
    said: Schema = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": operation.says,
        "security": operation.security,
        "parameters": parameters,
        "responses": answers,
    }
    if operation.body:
        said["requestBody"] = _request(operation.body, taken)
    return said


def _request(name: str, taken: Bodies) -> Schema:
    _, example = taken[name]
    content = {"schema": {"$ref": f"#/components/schemas/{name}"}, "example": example}
    return {"required": True, "content": {JSON: content}}


def _answer(operation: Operation, answer: Answer) -> Schema:
    said: Schema = {
        "description": answer.says,
        "headers": _headers(operation, answer.status, *answer.headers),
    }
    if answer.body:
        schema = reference(answer.body) if is_typeddict(answer.body) else {"type": "object"}
        said["content"] = {JSON: {"schema": schema}}
    return said


def _refusal(operation: Operation, status: int, faults: tuple[ProblemDetail, ...]) -> Schema:
    codes = {fault.code for fault in faults}
    own = [
        *(["WWW-Authenticate"] if status == UNAUTHORIZED and operation.security == ACCESS else []),
        *(["Retry-After"] if status in WAITS else []),
        *(["Set-Cookie"] if SessionEnded.code in codes else []),
    ]
    schema = {"allOf": [reference(Problem), _narrowed(status, sorted(codes))]}
    examples = {fault.code: {"$ref": f"#/components/examples/{_name(fault)}"} for fault in faults}
    return {
        "description": "  \n".join(f"`{fault.code}`: {fault.detail}" for fault in faults),
        "headers": _headers(operation, status, *own),
        "content": {PROBLEM_JSON: {"schema": schema, "examples": examples}},
    }


def _name(fault: ProblemDetail) -> str:
    return f"{fault.status}-{fault.code}"


def _narrowed(status: int, codes: list[str]) -> Schema:
    told: Schema = {"properties": {"status": {"const": status}, "code": {"enum": codes}}}
    return told | ({"required": ["reasons"]} if codes == [WeakPassword.code] else {})


def _example(fault: ProblemDetail) -> dict[str, Any]:
    problem: Problem = {
        "type": f"urn:latchkey:problem:{fault.code}",
        "title": fault.title,
        "status": fault.status,
        "detail": fault.detail,
        "code": fault.code,
        "request_id": "5f0d3b8a9c4e1726",
    }
    if fault.code == WeakPassword.code:
        why = "Use at least 15 characters; a few words will do."
        problem["reasons"] = [{"code": "too_short", "detail": why}]
    return dict(problem)


def _headers(operation: Operation, status: int, *more: str) -> Schema:
    nonce = operation.path.startswith(AUTH) or status == UNAUTHORIZED
    names = ("X-Request-Id", *(("DPoP-Nonce",) if nonce else ()), *more)
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
