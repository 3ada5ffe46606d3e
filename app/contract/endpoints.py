"""The JSON endpoints of an application, found in its routes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from flask import Flask
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.routing import Rule

from app import errors
from app.web.guards import MARK, MAX_AGE
from app.web.json_endpoint import (
    ACCESS_TOKEN,
    DESCRIPTION,
    Description,
    SecurityRequirements,
)
from app.web.origin import ANY_HOST, SAFE_METHODS
from app.web.problem_detail import CRASHED, ProblemDetail
from app.web.problems import UNAUTHORIZED, http_problem
from app.web.step_up import InsufficientAuthentication

_ARGUMENT: Final = re.compile(r"<(?:[^<>]*:)?(\w+)>")
_IMPLIED: Final = frozenset({"HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Endpoint:
    """One method of one route that `@json_endpoint` describes."""

    rule: Rule
    method: str
    view: Callable[..., Any]
    access: str
    description: Description

    @property
    def name(self) -> str:
        """The operation's id: Flask's endpoint, which is unique in an application."""
        return str(self.rule.endpoint).replace(".", "_")

    @property
    def tag(self) -> str:
        """The group in the document: the name of the blueprint."""
        return (str(self.rule.endpoint).rpartition(".")[0] or "service").capitalize()

    @property
    def path(self) -> str:
        """The path as OpenAPI writes it: `/auth/sessions/{family_id}`."""
        return _ARGUMENT.sub(r"{\1}", self.rule.rule)

    @property
    def guarded(self) -> bool:
        """Whether the endpoint needs an access token."""
        return self.access != "public"

    @property
    def max_age(self) -> int | None:
        """How many seconds ago the caller may have proved who they are; None for any time."""
        found: int | None = getattr(self.view, MAX_AGE, None)
        return found

    @property
    def security(self) -> SecurityRequirements:
        """The credentials that the endpoint reads."""
        return ACCESS_TOKEN if self.guarded else self.description.security

    @property
    def refusals(self) -> list[ProblemDetail]:
        """Every refusal that the endpoint may answer with: by status, each code once."""
        found = {(refusal.status, refusal.code): refusal for refusal in self._refusals()}
        return [found[key] for key in sorted(found)]

    def _refusals(self) -> Iterator[ProblemDetail]:
        described = self.description
        yield from map(public_side, described.refuses)
        if described.path:
            yield public_side(errors.NotFound)
        if described.query:
            yield public_side(errors.InvalidRequest)
        if described.body:
            yield public_side(errors.InvalidRequest)
            yield public_side(errors.UnsupportedMediaType)
            yield http_problem(RequestEntityTooLarge())
        if described.proof:
            yield public_side(errors.UseNonce)
            yield public_side(errors.InvalidProof)
        if self.guarded:
            yield public_side(errors.InvalidToken)
            yield public_side(errors.UseNonce, UNAUTHORIZED)
            yield public_side(errors.InvalidProof, UNAUTHORIZED)
            yield public_side(errors.Unavailable)
        if self.max_age is not None:
            yield public_side(InsufficientAuthentication)
        if self.access == "operator":
            yield public_side(errors.OperatorsOnly)
        if self.method not in SAFE_METHODS:
            yield public_side(errors.CrossOrigin)
        if self.rule.endpoint not in ANY_HOST:
            yield public_side(errors.Misdirected)
        yield CRASHED


def public_side(kind: type[errors.Refusal], status: int | None = None) -> ProblemDetail:
    """Return what a client sees of a refusal; the status of a proof's depends on the route."""
    return ProblemDetail(status or kind.status, kind.code, kind.title, kind.detail)


def endpoints(app: Flask) -> list[Endpoint]:
    """Return the JSON endpoints of `app` in the order of their registration."""
    return [
        Endpoint(rule, method, view, getattr(view, MARK, "required"), getattr(view, DESCRIPTION))
        for rule in app.url_map.iter_rules()
        if hasattr(view := app.view_functions[rule.endpoint], DESCRIPTION)
        for method in sorted((rule.methods or set()) - _IMPLIED)
    ]
