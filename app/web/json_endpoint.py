"""`@json_endpoint` describes a JSON endpoint, for the server and for `/openapi.json`.

Most of the description is the view itself: a parameter named `body` has the type of the request
body and one named `query` that of the URL's query, the return type names each success, and the
docstring is the summary and description.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import (
    Annotated,
    Any,
    Final,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import msgspec
from flask import Response

from app.errors import NotFound, Refusal
from app.web.bodies import is_storable, read_body, read_query
from app.web.guards import MARK
from app.web.patterns import unmatched

R = TypeVar("R")
SecurityRequirements = tuple[dict[str, list[str]], ...]

DESCRIPTION: Final = "latchkey_endpoint"
NOT_IN_PATH: Final = frozenset({"body", "query", "return"})

ACCESS_TOKEN: Final[SecurityRequirements] = (
    {"accessToken": []},
    {"boundAccessToken": [], "proof": []},
)
REFRESH_COOKIE: Final[SecurityRequirements] = ({"refreshToken": []},)
ANY_CREDENTIAL: Final[SecurityRequirements] = (*REFRESH_COOKIE, *ACCESS_TOKEN, {})


@dataclass(frozen=True, slots=True)
class Success:
    """One successful response: its status, the type of its body, and the headers that it adds.

    `body` is None when there is no body. A view that returns a `Response` declares its content
    with this class: `Annotated[Response, Success(204)]`.
    """

    status: int
    body: type[Any] | None = None
    headers: tuple[str, ...] = ()


NoContent = Annotated[Response, Success(204)]


@dataclass(frozen=True, slots=True)
class Description:
    """The description of one endpoint, without what its route and its guard already say."""

    path: dict[str, Any]
    body: type[Any] | None
    query: type[Any] | None
    successes: tuple[Success, ...]
    refuses: tuple[type[Refusal], ...]
    proof: bool
    security: SecurityRequirements


def json_endpoint(
    *,
    refuses: tuple[type[Refusal], ...] = (),
    proof: bool = False,
    security: SecurityRequirements = (),
) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Describe a view, and pass the validated body and query to its parameters of these names.

    Its other parameters are the arguments of the path: one that is not of its type, or that no
    database stores, is answered with 404.

    The view returns a typed dict (200), a tuple of one and a `Literal` status, or a `Response`
    annotated with its `Success`. `refuses` lists the refusals of the story; those of the route,
    the guard and the body are documented without being listed. `proof` means that the endpoint
    reads a DPoP proof without an access token. `security` lists the credentials when they are not
    those of the guard.

    Put the guard above this decorator, so that a body is parsed only for a verified caller.

    Raises:
        TypeError: when the guard is below this decorator, or the return type names no success.

    """

    def decorate(view: Callable[..., R]) -> Callable[..., R]:
        description = _description(view, refuses, security, proof=proof)
        described = _with_input(view, description)
        setattr(described, DESCRIPTION, description)
        return described

    return decorate


def _description(
    view: Callable[..., R],
    refuses: tuple[type[Refusal], ...],
    security: SecurityRequirements,
    *,
    proof: bool,
) -> Description:
    if hasattr(view, MARK):
        raise TypeError(f"{view.__qualname__}: put the guard above @json_endpoint")
    hints = get_type_hints(view, include_extras=True)
    successes = tuple(_successes(hints.get("return")))
    if not successes:
        raise TypeError(f"{view.__qualname__}: its return type does not name the success")
    path = {name: hint for name, hint in hints.items() if name not in NOT_IN_PATH}
    body, query = hints.get("body"), hints.get("query")
    return Description(path, body, query, successes, refuses, proof, security)


def _with_input(view: Callable[..., R], description: Description) -> Callable[..., R]:
    """Return the view with its input checked and filled in; the view itself when it has none."""
    body, query = description.body, description.query
    if not (description.path or body or query):
        return view

    @wraps(view)
    def with_input(**arguments: Any) -> R:  # noqa: ANN401 - Flask passes the path's parts by name
        for name, value in arguments.items():
            _check_argument(value, description.path.get(name, str))
        if query is not None:
            arguments["query"] = read_query(query)
        if body is not None:
            arguments["body"] = read_body(body)
        return view(**arguments)

    return with_input


def _check_argument(value: Any, hint: Any) -> None:  # noqa: ANN401 - what a converter makes
    try:
        msgspec.convert(value, hint)
    except msgspec.ValidationError:
        raise NotFound from None
    if isinstance(value, str) and (not is_storable(value) or list(unmatched(hint, value))):
        raise NotFound


def _successes(hint: Any) -> list[Success]:  # noqa: ANN401 - a type hint is any object
    """Return the successes that a return type names; an empty list when it names none."""
    if is_typeddict(hint):
        return [Success(200, hint)]
    parts = get_args(hint)
    if get_origin(hint) is Annotated:
        return [part for part in parts if isinstance(part, Success)]
    if get_origin(hint) is tuple:
        body, status = parts
        return [Success(number, body) for number in get_args(status)]
    return [success for part in parts for success in _successes(part)]
