"""`flask types`: the wire's types as TypeScript, printed from the Python definitions."""

from __future__ import annotations

import dataclasses
import types as python
from collections.abc import Iterator
from typing import Any, Final, Literal, NotRequired, Union, get_args, get_origin, get_type_hints

import click

from app.families.models import Family
from app.tokens.claims import AccessTokenClaims, Confirmation, RefreshTokenClaims
from app.web.problems import Problem, Reason
from app.web.responses import SessionView, TokenResponse, TokenSession, TokenUser, UserView

EXPORTED: Final[dict[type[Any], str]] = {
    Confirmation: "Confirmation",
    AccessTokenClaims: "AccessTokenClaims",
    RefreshTokenClaims: "RefreshTokenClaims",
    Family: "RefreshFamilyRecord",
    TokenSession: "TokenSession",
    TokenUser: "TokenUser",
    TokenResponse: "TokenResponse",
    Reason: "Reason",
    Problem: "Problem",
    UserView: "UserView",
    SessionView: "SessionView",
}
PLAIN: Final = {str: "string", int: "number", bool: "boolean", type(None): "null"}


@click.command("types")
def types() -> None:
    """Print `static/js/types.d.ts`."""
    click.echo(declarations(), nl=False)


def declarations() -> str:
    """Return the whole file."""
    head = "// Printed by `flask --app wsgi types`. Do not edit.\n"
    return head + "".join(_interface(kind, name) for kind, name in EXPORTED.items())


def _interface(kind: type[Any], name: str) -> str:
    doc = (kind.__doc__ or "").strip().splitlines()[0]
    fields = "\n".join(_fields(kind))
    return f"\n/** {doc} */\nexport interface {name} {{\n{fields}\n}}\n"


def _fields(kind: type[Any]) -> Iterator[str]:
    for name, hint in get_type_hints(kind, include_extras=True).items():
        optional = get_origin(hint) is NotRequired or name in _defaulted(kind)
        inner = get_args(hint)[0] if get_origin(hint) is NotRequired else hint
        readonly = "readonly " if dataclasses.is_dataclass(kind) else ""
        yield f"  {readonly}{name}{'?' if optional else ''}: {_type(inner)};"


def _defaulted(kind: type[Any]) -> set[str]:
    """Return the claims that a token may go without; a stored record has all its fields."""
    if kind is not AccessTokenClaims:
        return set()
    return {f.name for f in dataclasses.fields(kind) if f.default is not dataclasses.MISSING}


def _type(hint: Any) -> str:  # noqa: ANN401 - a type hint is any object
    if hint in EXPORTED:
        return EXPORTED[hint]
    if hint in PLAIN:
        return PLAIN[hint]
    parts = get_args(hint)
    if get_origin(hint) is Literal:
        return " | ".join(f'"{part}"' for part in parts)
    if get_origin(hint) in {Union, python.UnionType}:
        return " | ".join(_type(part) for part in parts)
    if get_origin(hint) is list:
        return f"{_type(parts[0])}[]"
    raise TypeError(f"no TypeScript for {hint!r}")
