"""What each JSON endpoint takes and answers: the table that `/openapi.json` is printed from.

Statuses, codes and sentences of refusals come from the tree in `app/errors.py`; the shapes of
bodies from the typed dicts that the views themselves answer with. A test holds the table against
the routes and their marks, another sends what it promises and compares the answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from app import errors
from app.api.components import ACCESS, COOKIE, EITHER_OR_NONE, Security
from app.api.health import Failing, Healthy, Ready
from app.api.refusals import (
    ANYWHERE,
    CHANGES,
    CHOSEN,
    CRASH,
    GUARDED,
    HASHED,
    INVALID,
    JSON,
    LIMITED,
    PROOF,
    STORED,
    refused,
)
from app.web.problems import ProblemDetail
from app.web.responses import AccountView, RegisteredView, SessionsView, TokenResponse


@dataclass(frozen=True)
class Answer:
    """One good answer: its status, what it means, the shape of its body and its own headers."""

    status: int
    says: str
    body: type[Any] | None = None
    headers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Operation:
    """One method of one path. `body` and `parameters` name components; `security` is OpenAPI's."""

    method: str
    path: str
    name: str
    tag: str
    summary: str
    says: str
    answers: tuple[Answer, ...]
    refusals: tuple[ProblemDetail, ...] = ()
    body: str = ""
    parameters: tuple[str, ...] = ()
    security: Security = ()


SETS: Final = ("Set-Cookie",)
ENDS: Final = ("Set-Cookie", "Clear-Site-Data")

OPERATIONS: Final = (
    Operation(
        "post",
        "/auth/register",
        "register",
        "Session",
        "Open an account",
        "It logs nobody in. Whether an address has an account is told here and nowhere else.",
        (Answer(201, "The account is open.", RegisteredView),),
        (*JSON, refused(errors.EmailTaken), *CHOSEN, *HASHED, *CHANGES),
        body="Registration",
    ),
    Operation(
        "post",
        "/auth/login",
        "logIn",
        "Session",
        "Exchange a password for a session",
        "With a proof the session is bound to its key. A session that the cookie names ends.",
        (
            Answer(
                200, "The access token; the refresh token is in the cookie.", TokenResponse, SETS
            ),
        ),
        (*JSON, *PROOF, refused(errors.InvalidCredentials), *HASHED, *CHANGES),
        body="Credentials",
        parameters=("Proof",),
    ),
    Operation(
        "post",
        "/auth/refresh",
        "refresh",
        "Session",
        "Rotate the refresh token",
        "Each refresh token works once: reuse ends the session. A bound session needs a proof by "
        "its own key, and then may repeat a refresh whose answer was lost.",
        (Answer(200, "The next access token and the next cookie.", TokenResponse, SETS),),
        (*INVALID, *PROOF, refused(errors.SessionEnded), *LIMITED, *CHANGES),
        parameters=("Proof",),
        security=COOKIE,
    ),
    Operation(
        "post",
        "/auth/logout",
        "logOut",
        "Session",
        "End the session",
        "Ends the session that the cookie names, also when the cookie is out of date, and the "
        "one that a valid access token names, with its proof when it is bound. A token that a "
        "protected route would refuse ends nothing; the answer is the same.",
        (Answer(204, "Nobody is logged in here any more.", None, ENDS),),
        (*INVALID, *CHANGES),
        security=EITHER_OR_NONE,
    ),
    Operation(
        "post",
        "/auth/logout-everywhere",
        "logOutEverywhere",
        "Session",
        "End every session of the caller",
        "Every access token issued before is refused at once.",
        (Answer(204, "The caller is logged in nowhere.", None, ENDS),),
        (*GUARDED, *CHANGES),
        security=ACCESS,
    ),
    Operation(
        "get",
        "/auth/sessions",
        "listSessions",
        "Account",
        "List the caller's live sessions",
        "The latest used first.",
        (Answer(200, "At least the session that asks.", SessionsView),),
        (*GUARDED, *STORED, *ANYWHERE),
        security=ACCESS,
    ),
    Operation(
        "delete",
        "/auth/sessions/{family_id}",
        "endSession",
        "Account",
        "End one of the caller's sessions",
        "Ending the one that asks takes its cookie back.",
        (Answer(204, "It is over."),),
        (*GUARDED, refused(errors.NotFound), *CHANGES),
        parameters=("Session",),
        security=ACCESS,
    ),
    Operation(
        "post",
        "/auth/password",
        "changePassword",
        "Account",
        "Change the password",
        "Every session of the account ends, here and elsewhere, and a new one begins here. It is "
        "bound to the key that `dpop_jkt` names, where it names one.",
        (Answer(200, "The tokens of the new session.", TokenResponse, SETS),),
        (*JSON, *GUARDED, refused(errors.WrongPassword), *CHOSEN, *HASHED, *CHANGES),
        body="PasswordChange",
        security=ACCESS,
    ),
    Operation(
        "get",
        "/api/me",
        "me",
        "Account",
        "Say who the caller is",
        "And in which session.",
        (Answer(200, "The account and the session that asks.", AccountView),),
        (*GUARDED, *STORED, *ANYWHERE),
        security=ACCESS,
    ),
    Operation(
        "get",
        "/healthz",
        "healthz",
        "Service",
        "Say that the process lives",
        "Answers for any host.",
        (Answer(200, "It does.", Healthy),),
        CRASH,
    ),
    Operation(
        "get",
        "/readyz",
        "readyz",
        "Service",
        "Say whether the application can serve",
        "Answers for any host. Without Redis it serves all the same.",
        (
            Answer(200, "It can; a missing Redis is named.", Ready),
            Answer(503, "It cannot: the database does not answer.", Failing),
        ),
        CRASH,
    ),
    Operation(
        "get",
        "/openapi.json",
        "openapi",
        "Service",
        "Describe the JSON endpoints",
        "This document.",
        (Answer(200, "An OpenAPI 3.1 document.", dict),),
        ANYWHERE,
    ),
)
