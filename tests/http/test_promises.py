"""Each answer that `/openapi.json` promises is really given.

The endpoints are found. What any endpoint may refuse is provoked at all of them, a product's
included; what one use case refuses, at our own: a product tests its own refusals.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

import pytest
import schemathesis
from flask import Flask
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from werkzeug.test import TestResponse

from app import create_app
from app.attacks.prover import Prover
from app.auth.export import _place
from app.contract.endpoints import Endpoint
from app.infra import counts
from app.web.cookies import REFRESH
from app.web.guards import public
from app.web.step_up import RECENT_SECONDS
from config import Settings
from tests.http.good_requests import BODIES, KINDS, SUBJECTS, link
from tests.support.app import clock_of, close, services
from tests.support.busy import busy as filled
from tests.support.client import Client, problem, program
from tests.support.contract import DOCUMENT, ENDPOINTS, OWN, arguments_of
from tests.support.databases import one_database
from tests.support.product_tables import product_table

pytestmark = one_database

SCHEMA: Final = schemathesis.openapi.from_dict(DOCUMENT)
CHECKED: Final = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
NOWHERE: Final = "sqlite:////nowhere/at/all.db"


class Stage:
    """Ada, logged in anew for each scene, and what she sends to one endpoint."""

    def __init__(self, app: Flask, endpoint: Endpoint) -> None:
        self.app, self.endpoint = app, endpoint
        self.ada = Client(app)
        self.ada.create_account()

    def enter(self, key: Prover | None = None) -> None:
        """Log in, in a fresh browser, with a key or without."""
        self.ada = Client(self.app, key=key)
        assert self.ada.log_in().status_code == 200
        self.scheme = "DPoP" if key else "Bearer"

    @property
    def path(self) -> str:
        return self.endpoint.path.format_map(self.arguments)

    @property
    def arguments(self) -> dict[str, str]:
        """The value of each argument of the path: Ada's session, unless `SUBJECTS` has another."""
        find = SUBJECTS.get(self.endpoint.name)
        return arguments_of(self.endpoint.rule, find(self.ada) if find else self.ada.session_id)

    @property
    def body(self) -> dict[str, Any] | None:
        """A body that is accepted: of our own endpoints the right one, else the example."""
        operation = DOCUMENT["paths"][self.endpoint.path][self.endpoint.method.lower()]
        if "requestBody" not in operation:
            return None
        if self.endpoint.name in BODIES:
            return BODIES[self.endpoint.name](self.ada)
        return dict(operation["requestBody"]["content"]["application/json"].get("example", {}))

    def proof(self, **claims: Any) -> str:  # noqa: ANN401 - any claim
        token = self.ada.access_token if self.endpoint.guarded else None
        return self.ada.proof(self.path, self.endpoint.method, token, **claims)

    def ask(
        self, body: Mapping[str, object] | bytes | None = None, path: str = "", **headers: str
    ) -> TestResponse:
        """Send a good request; what is given is other than good."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"Authorization": f"{self.scheme} {self.ada.access_token}"} | named
        method, path = self.endpoint.method, path or self.path
        if isinstance(body, bytes):
            return self.ada.ask(method, path, None, sent, data=body)
        return self.ada.ask(method, path, body or self.body, sent)


def changed(stage: Stage, **fields: object) -> TestResponse:
    return stage.ask({**(stage.body or {}), **fields})


def without_access(stage: Stage) -> TestResponse:
    return stage.ask(Authorization="Bearer rubbish")


def bad_request(stage: Stage) -> TestResponse:
    if stage.endpoint.description.body:
        return stage.ask(b"{", Content_Type="application/json")
    if query := stage.endpoint.description.query:
        name = next(iter(query.__annotations__))
        return stage.ask(path=f"{stage.path}?{name}=1&{name}=1")
    two = f"one; {REFRESH}=two"
    return program(stage.app).ask(stage.endpoint.method, stage.path, cookie=two)


def bad_proof(stage: Stage, proof: Callable[[Stage], str]) -> TestResponse:
    stage.enter(Prover())
    return stage.ask(DPoP=proof(stage))


def no_session(stage: Stage) -> TestResponse:
    del stage.ada.cookies[REFRESH]
    return stage.ask()


def fail(**_: str) -> str:
    raise RuntimeError


def crashed(stage: Stage) -> TestResponse:
    views = stage.app.view_functions
    kept = dict(views)
    views.update(dict.fromkeys(views, public(fail)))
    try:
        return stage.ask()
    finally:
        views.update(kept)


def too_long_ago(stage: Stage) -> TestResponse:
    """Come with a log-in that is a second too old, for one's own session or for another."""
    own = services(stage.app)
    max_age = stage.endpoint.max_age or RECENT_SECONDS
    clock_of(stage.app).forward(max_age + own.settings.clock_leeway + 1)
    assert stage.ada.refresh().status_code == 200
    return stage.ask(path=stage.path.replace(stage.ada.session_id, "A" * 22))


def busy(stage: Stage) -> TestResponse:
    with filled(stage.app), _place(), _place():
        return stage.ask()


def too_many(stage: Stage) -> TestResponse:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counts, "hit", lambda *_: services(stage.app).clock.now() + 9)
        return stage.ask()


def unavailable(stage: Stage) -> TestResponse:
    settings = replace(
        services(stage.app).settings, database_url=NOWHERE, redis_url="unix:///nowhere"
    )
    elsewhere = create_app(settings, services(stage.app).clock)
    ada, method = stage.ada, stage.endpoint.method
    try:
        return program(elsewhere).ask(
            method, stage.path, cookie=ada.refresh_token, access=ada.access_token, body=stage.body
        )
    finally:
        close(elsewhere)


def without_mail(stage: Stage) -> TestResponse:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(services(stage.app).auth.outbox, "is_open", False)
        return stage.ask()


def taken(stage: Stage) -> TestResponse:
    """Ask for one's own address, or come with a link to one that has another account."""
    if stage.endpoint.name not in KINDS:
        return changed(stage, email=stage.ada.email)
    somebody = Client(stage.app, "taken@example.com")
    somebody.create_account()
    kind = KINDS[stage.endpoint.name]
    return changed(stage, token=link(stage.ada, kind, somebody.email, email_epoch=-1))


# What any endpoint may refuse, whatever it does.
GENERAL: Final[dict[str, Callable[[Stage], TestResponse]]] = {
    "misdirected": lambda stage: stage.ask(Host="other.example"),
    "cross_origin": lambda stage: stage.ask(Origin="https://other.example"),
    "invalid_request": bad_request,
    "request_entity_too_large": lambda stage: stage.ask({"filler": "x" * 70_000}),
    "unsupported_media_type": lambda stage: stage.ask(b"{}", Content_Type="text/plain"),
    "invalid_token": without_access,
    "insufficient_user_authentication": too_long_ago,
    "operators_only": lambda stage: stage.ask(),
    "use_dpop_nonce": partial(bad_proof, proof=lambda stage: stage.proof(nonce="old")),
    "invalid_dpop_proof": partial(bad_proof, proof=lambda _: "rubbish"),
    "unavailable": unavailable,
    "internal_error": crashed,
}


def still_referred(stage: Stage) -> TestResponse:
    key = "user_id VARCHAR(32) REFERENCES users (id)"
    with product_table(stage.app, "drafts", key, stage.ada.user_id):
        return stage.ask()


def unexported(stage: Stage) -> TestResponse:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(services(stage.app).auth.export_rows, "notes", fail)
        return stage.ask()


# What one of our own use cases refuses.
SPECIAL: Final[dict[str, Callable[[Stage], TestResponse]]] = {
    "session_ended": no_session,
    "invalid_credentials": lambda stage: changed(stage, password="wrong"),
    "wrong_password": lambda stage: changed(stage, current_password="wrong", password="wrong"),
    "weak_password": lambda stage: changed(stage, password="a" * 15, new_password="a" * 15),
    "invalid_link": lambda stage: changed(stage, token="none"),
    "mail_off": without_mail,
    "deletion_blocked": still_referred,
    "export_failed": unexported,
    "email_taken": taken,
    "not_found": lambda stage: stage.ask(path=stage.path[:-1]),
    "too_many_attempts": too_many,
    "busy": busy,
}


def conforms(stage: Stage, answer: TestResponse) -> None:
    """Hold an answer against the document."""
    operation = SCHEMA[stage.endpoint.path][stage.endpoint.method]
    case = operation.Case(path_parameters=stage.arguments)
    case.validate_response(answer, checks=CHECKED)


def can_be_bad(stage: Stage) -> bool:
    """Tell whether a bad request can be made; two cookies are one for our own endpoints alone."""
    described = stage.endpoint.description
    return bool(described.body or described.query) or stage.endpoint in OWN


def provoke(stage: Stage, scenes: dict[str, Callable[[Stage], TestResponse]]) -> None:
    for refusal in stage.endpoint.refusals:
        if refusal.code in scenes and (refusal.code != "invalid_request" or can_be_bad(stage)):
            stage.enter()
            answer = scenes[refusal.code](stage)
            problem(answer, refusal.status, refusal.code)
            conforms(stage, answer)


each = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
each_own = pytest.mark.parametrize("endpoint", OWN, ids=lambda endpoint: endpoint.name)


@each
def test_every_general_refusal_is_given(app: Flask, endpoint: Endpoint) -> None:
    provoke(Stage(app, endpoint), GENERAL)


@each_own
def test_every_special_refusal_is_given(app: Flask, endpoint: Endpoint) -> None:
    provoke(Stage(app, endpoint), SPECIAL)
    assert {refusal.code for refusal in endpoint.refusals} <= GENERAL.keys() | SPECIAL.keys()


@pytest.mark.parametrize("bound", [False, True], ids=["unbound", "bound"])
@each_own
def test_every_good_answer_is_given(app: Flask, endpoint: Endpoint, *, bound: bool) -> None:
    stage = Stage(app, endpoint)
    stage.enter(Prover() if bound else None)
    answer = stage.ask(DPoP=stage.proof()) if bound else stage.ask()
    assert answer.status_code == endpoint.description.successes[0].status
    conforms(stage, answer)


def test_unready_is_said_as_promised(settings: Settings) -> None:
    app = create_app(replace(settings, database_url=NOWHERE))
    try:
        answer = Client(app).ask("GET", "/readyz")
        assert answer.status_code == 503
        SCHEMA["/readyz"]["get"].Case().validate_response(answer, checks=CHECKED)
    finally:
        close(app)
