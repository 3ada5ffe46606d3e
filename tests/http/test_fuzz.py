"""The JSON endpoints against their own document: schemathesis sends what it allows and what not.

Every answer has to be a documented one, down to its headers and codes, whoever asks. It runs in
this process: repeatable to the last byte, and hundreds of requests a second. `make fuzz` sends
many more, other ones each time, on both databases.
"""

import os
from http import HTTPStatus
from typing import Any, Final

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.checks import load_all_checks
from schemathesis.generation.feedback import FeedbackSources
from schemathesis.pytest._test_builder import build_operation_test
from schemathesis.python._constants.orchestrator import make_constants_value_source
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import positive_data_acceptance

from app.attacks.prover import Prover
from tests.http.fuzzer import Crowd, Member, Stranger
from tests.support.contract import DOCUMENT, ENDPOINTS
from tests.support.servers.valkey import ValkeyServer

# The long form: how many examples each operation gets for each caller and database.
EXAMPLES: Final = int(os.environ.get("FUZZ_EXAMPLES", "0"))
SEED: Final = 20261123
# Only these say that a request has not the documented form. A schema says what a password and a
# proof look like, not whether they are good.
OF_FORM: Final = {"invalid_request", "request_entity_too_large", "unsupported_media_type"}
# A wrong current password is told before the new one is looked at.
FOR_THE_FORM: Final = ["400", "403", "404", "415", "422", "429"]
CROWD: Final = Crowd()

run = settings(
    max_examples=EXAMPLES or 12,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def load(*, guess: bool) -> BaseSchema:
    """Return the document; with `guess` schemathesis makes up credentials, too."""
    checks = {"not_a_server_error": {"expected-statuses": ["2xx", "3xx", "4xx", "503"]}}
    if not guess:
        # Who has credentials is refused for the form itself: 401 would hide what is let through.
        checks["negative_data_rejection"] = {"expected-statuses": FOR_THE_FORM}
    said = {
        **({} if EXAMPLES else {"seed": SEED}),
        "generation": {"with-security-parameters": guess},
        "checks": checks,
    }
    found = schemathesis.openapi.from_dict(DOCUMENT, config=schemathesis.Config.from_dict(said))
    found.app = CROWD
    return found


# The built-in generator makes addresses that no mail server would take. Schemathesis draws
# thousands to find some of a certain length, so each has to be cheap, unlike Hypothesis' domains.
letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
local = st.text(letters + "+-_ÄéЯ", min_size=1, max_size=40)
label = st.text(letters, min_size=1, max_size=20)
top = st.sampled_from(["com", "EXAMPLE", "co.uk", "museum", "xn--p1ai"])
schemathesis.openapi.format("idn-email", st.builds("{}@{}.{}".format, local, label, top))

OPERATIONS: Final = [f"{endpoint.method} {endpoint.path}" for endpoint in ENDPOINTS]


# PostgreSQL takes less than SQLite: it is the one that finds more.
pytestmark = pytest.mark.parametrize(
    "database_url", ["sqlite", "postgresql"] if EXAMPLES else ["postgresql"], indirect=True
)


@pytest.fixture(autouse=True)
def crowd(app: Flask) -> Crowd:
    CROWD.app = app
    return CROWD


@pytest.fixture
def stranger(valkey: ValkeyServer) -> Stranger:
    return Stranger(valkey)


@pytest.fixture
def holder(app: Flask, valkey: ValkeyServer) -> Member:
    return Member(app, valkey)


@pytest.fixture
def prover(app: Flask, valkey: ValkeyServer) -> Member:
    return Member(app, valkey, Prover())


def send(case: Case[Any], caller: Stranger) -> None:
    how = caller.credentials(case)
    answer = case.call(**how)
    caller.learn(case, answer)
    refused = answer.status_code >= HTTPStatus.BAD_REQUEST and case.path != "/readyz"
    beyond = refused and answer.json()["code"] not in OF_FORM
    case.validate_response(
        answer,
        headers=how.get("headers"),
        transport_kwargs=how,
        excluded_checks=[positive_data_acceptance] if beyond else [],
    )


def fuzz(operation: str, caller: Stranger, *, guess: bool = False) -> None:
    """Have an operation asked as the document allows it and as it does not.

    Schemathesis' own `parametrize` would make all cases, seconds of work, whenever tests are
    collected, in each process. What was asked once a document does not ask again: so a new one.
    """
    document = load(guess=guess)

    def one(case: Case[Any]) -> None:
        send(case, caller)

    method, path = operation.split(" ")
    load_all_checks()
    build_operation_test(
        config=document.config,
        operation=document[path][method],
        test_func=one,
        explicit_settings=run,
        given_kwargs={},
        feedback=FeedbackSources(constants_value_source=make_constants_value_source(document)),
    )()


each = pytest.mark.parametrize("operation", OPERATIONS)


@each
def test_without_credentials(operation: str, stranger: Stranger) -> None:
    fuzz(operation, stranger, guess=True)


@each
def test_with_a_token(operation: str, holder: Member) -> None:
    fuzz(operation, holder)


@each
def test_with_a_key(operation: str, prover: Member) -> None:
    fuzz(operation, prover)
