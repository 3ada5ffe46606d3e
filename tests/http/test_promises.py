"""Each answer that `/openapi.json` promises is really given: nothing in it is a maybe."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest
import schemathesis
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app import create_app
from app.api.components import ACCESS
from app.api.openapi import document
from app.api.operations import OPERATIONS, Operation
from app.attacks.prover import Prover
from app.infra import throttle
from app.web.cookies import REFRESH
from app.web.guards import public
from tests.support.app import PUBLIC_URL, close, services
from tests.support.busy import busy as filled
from tests.support.client import NEW_PASSWORD, Client, problem, program

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask import Flask
    from werkzeug.test import TestResponse

    from config import Settings

DOCUMENT: Final = schemathesis.openapi.from_dict(json.loads(document(PUBLIC_URL, 15)))
CHECKED: Final = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
NOBODY: Final = "nobody@example.com"
NOWHERE: Final = "sqlite:////nowhere/at/all.db"


class Stage:
    """Ada, logged in anew for each scene, and what she sends to one endpoint."""

    def __init__(self, app: Flask, operation: Operation) -> None:
        self.app = app
        self.operation = operation
        self.key: Prover | None = None
        self.ada = Client(app)
        self.ada.register()

    def enter(self, key: Prover | None = None) -> None:
        """Log in, in a fresh browser, with a key or without."""
        self.key = key
        self.ada = Client(self.app)
        headers = {"DPoP": self.proof("/auth/login", bound=False)} if key else {}
        body = {"email": self.ada.email, "password": self.ada.password}
        answer = self.ada.ask("POST", "/auth/login", body, headers).get_json()
        self.ada.access_token, self.ada.session_id = (
            answer["access_token"],
            answer["session"]["id"],
        )

    @property
    def path(self) -> str:
        """The path, with Ada's own session in it."""
        return self.operation.path.format(family_id=self.ada.session_id)

    @property
    def body(self) -> dict[str, Any] | None:
        """A body that is taken."""
        return {
            "Registration": {"email": NOBODY, "password": self.ada.password},
            "Credentials": {"email": self.ada.email, "password": self.ada.password},
            "PasswordChange": {
                "current_password": self.ada.password,
                "new_password": NEW_PASSWORD,
            },
        }.get(self.operation.body)

    def proof(self, path: str = "", *, bound: bool = True, **claims: Any) -> str:  # noqa: ANN401 - any claim
        """Prove a request with the newest nonce, or with what `claims` say."""
        assert self.key is not None
        own = services(self.app)
        said = {"nonce": own.nonce(), "iat": own.clock.now()} | claims
        method = self.operation.method.upper() if not path else "POST"
        token = self.ada.access_token if bound and self.operation.security == ACCESS else None
        return self.key.proof(method, PUBLIC_URL + (path or self.path), token, **said)

    def ask(
        self, body: Mapping[str, object] | bytes | None = None, path: str = "", **headers: str
    ) -> TestResponse:
        """Send a good request; what is given is other than good."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        scheme = "DPoP" if self.key else "Bearer"
        sent = {"Authorization": f"{scheme} {self.ada.access_token}"} | named
        method = self.operation.method.upper()
        if isinstance(body, bytes):
            return self.ada.ask(method, path or self.path, None, sent, data=body)
        return self.ada.ask(method, path or self.path, body or self.body, sent)


def changed(stage: Stage, **fields: object) -> TestResponse:
    """Send the body with other fields."""
    return stage.ask({**(stage.body or {}), **fields})


def without_access(stage: Stage) -> TestResponse:
    """Send no access token worth the name."""
    return stage.ask(Authorization="Bearer rubbish")


def bad_request(stage: Stage) -> TestResponse:
    """Send a body that is none, or where there is no body two cookies."""
    if stage.operation.body:
        return stage.ask(b"{", Content_Type="application/json")
    two = f"one; {REFRESH}=two"
    return program(stage.app).ask(stage.operation.method.upper(), stage.path, cookie=two)


def bad_proof(stage: Stage, proof: Callable[[Stage], str]) -> TestResponse:
    """Hold a key and prove something else."""
    stage.enter(Prover())
    return stage.ask(DPoP=proof(stage))


def no_session(stage: Stage) -> TestResponse:
    """Come without a cookie."""
    del stage.ada.cookies[REFRESH]
    return stage.ask()


def fail(**_: str) -> str:
    """Stand for a fault of our own."""
    raise RuntimeError


def crashed(stage: Stage) -> TestResponse:
    """Have the view fail."""
    views = stage.app.view_functions
    kept = dict(views)
    views.update(dict.fromkeys(views, public(fail)))
    try:
        return stage.ask()
    finally:
        views.update(kept)


def busy(stage: Stage) -> TestResponse:
    """Have all hashing slots taken and the queue full."""
    with filled(stage.app):
        return stage.ask()


def too_many(stage: Stage) -> TestResponse:
    """Have every limit used up."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(throttle, "_hit", lambda *_: services(stage.app).clock.now() + 9)
        return stage.ask()


def unavailable(stage: Stage) -> TestResponse:
    """Have the database away; the tokens are good there, too."""
    elsewhere = create_app(
        replace(services(stage.app).settings, database_url=NOWHERE), services(stage.app).clock
    )
    ada, method = stage.ada, stage.operation.method.upper()
    try:
        return program(elsewhere).ask(
            method, stage.path, cookie=ada.refresh_token, access=ada.access_token, body=stage.body
        )
    finally:
        close(elsewhere)


REFUSALS: Final[dict[str, Callable[[Stage], TestResponse]]] = {
    "misdirected": lambda stage: stage.ask(Host="other.example"),
    "cross_origin": lambda stage: stage.ask(Origin="https://other.example"),
    "invalid_request": bad_request,
    "request_entity_too_large": lambda stage: changed(stage, password="x" * 70_000),
    "unsupported_media_type": lambda stage: stage.ask(b"{}", Content_Type="text/plain"),
    "invalid_token": without_access,
    "session_ended": no_session,
    "invalid_credentials": lambda stage: changed(stage, password="wrong"),
    "wrong_password": lambda stage: changed(stage, current_password="wrong"),
    "weak_password": lambda stage: changed(stage, password="a" * 15, new_password="a" * 15),
    "email_taken": lambda stage: changed(stage, email=stage.ada.email),
    "not_found": lambda stage: stage.ask(path=stage.path[:-1]),
    "use_dpop_nonce": partial(bad_proof, proof=lambda stage: stage.proof(nonce="old")),
    "invalid_dpop_proof": partial(bad_proof, proof=lambda _: "rubbish"),
    "too_many_attempts": too_many,
    "busy": busy,
    "unavailable": unavailable,
    "internal_error": crashed,
}


@pytest.fixture(params=OPERATIONS, ids=lambda operation: operation.name)
def stage(app: Flask, request: pytest.FixtureRequest) -> Stage:
    """Give the stage for one endpoint."""
    return Stage(app, request.param)


def conforms(stage: Stage, answer: TestResponse) -> None:
    """Hold an answer against the document."""
    operation = DOCUMENT[stage.operation.path][stage.operation.method]
    case = operation.Case(path_parameters={"family_id": stage.ada.session_id})
    case.validate_response(answer, checks=CHECKED)


def test_every_refusal_is_given(stage: Stage) -> None:
    """With the status, the code, the headers and the body that the document says."""
    for fault in stage.operation.refusals:
        stage.enter()
        answer = REFUSALS[fault.code](stage)
        problem(answer, fault.status, fault.code)
        conforms(stage, answer)


@pytest.mark.parametrize("bound", [False, True], ids=["bound", "unbound"])
def test_every_good_answer_is_given(stage: Stage, *, bound: bool) -> None:
    """To who may have it, with a key and without."""
    stage.enter(Prover() if bound else None)
    answer = stage.ask(DPoP=stage.proof()) if bound else stage.ask()
    assert answer.status_code == stage.operation.answers[0].status
    conforms(stage, answer)


def test_unready_is_said_as_promised(settings: Settings) -> None:
    """The one answer of 503 that is no problem document."""
    app = create_app(replace(settings, database_url=NOWHERE))
    try:
        readyz = next(operation for operation in OPERATIONS if operation.name == "readyz")
        answer = Client(app).ask("GET", readyz.path)
        assert answer.status_code == readyz.answers[1].status
        DOCUMENT[readyz.path][readyz.method].Case().validate_response(answer, checks=CHECKED)
    finally:
        close(app)
