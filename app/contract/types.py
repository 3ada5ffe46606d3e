"""The types of an application's JSON as TypeScript, made from their Python definitions."""

from __future__ import annotations

import dataclasses
import types as python
from collections.abc import Iterable, Iterator
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    NotRequired,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from flask import Flask

from app.contract.endpoints import Endpoint, endpoints
from app.families.models import Family
from app.tokens.claims import AccessTokenClaims, Confirmation, RefreshTokenClaims
from app.web.responses import Problem

# Types of Latchkey that no endpoint answers with: what the tokens and the database contain.
STORED: Final = (Confirmation, AccessTokenClaims, RefreshTokenClaims, Family)
NAMES: Final = {Family: "RefreshFamilyRecord"}
PLAIN: Final = {
    str: "string",
    int: "number",
    bool: "boolean",
    type(None): "null",
    Any: "unknown",
}
_FEATURES: Final = "app.features."


def declarations(app: Flask, feature: str | None = None) -> str:
    """Return a TypeScript file with the types of Latchkey's endpoints, or of a feature's."""
    found = [one for one in endpoints(app) if _feature(one) == feature]
    kinds = [kind for endpoint in found for kind in _bodies(endpoint)]
    command = "flask --app wsgi types" + (f" {feature}" if feature else "")
    return file_of(command, kinds if feature else [*STORED, Problem, *kinds])


def _feature(endpoint: Endpoint) -> str | None:
    """Return the name of the feature that an endpoint belongs to; None for Latchkey's own."""
    module = endpoint.view.__module__
    return module.removeprefix(_FEATURES).split(".")[0] if module.startswith(_FEATURES) else None


def _bodies(endpoint: Endpoint) -> Iterator[type[Any]]:
    """Iterate over the typed dicts that an endpoint takes and answers with."""
    described = endpoint.description
    candidates = (described.body, *(success.body for success in described.successes))
    yield from (kind for kind in candidates if kind and is_typeddict(kind))


def file_of(command: str, kinds: Iterable[type[Any]]) -> str:
    """Return a TypeScript file that declares `kinds` and the types inside them, each once.

    Raises:
        TypeError: a field has a type that has no counterpart in TypeScript.

    """
    head = f"// Printed by `{command}`. Do not edit.\n"
    each = dict.fromkeys(inner for kind in kinds for inner in _with_inner(kind))
    return head + "".join(map(_interface, each))


def _with_inner(kind: type[Any]) -> Iterator[type[Any]]:
    """Iterate over the types inside a type, then the type."""
    for hint in get_type_hints(kind).values():
        for inner in _typed_dicts(hint):
            yield from _with_inner(inner)
    yield kind


def _typed_dicts(hint: Any) -> Iterator[type[Any]]:  # noqa: ANN401 - a type hint is any object
    if is_typeddict(hint):
        yield hint
    for part in get_args(hint):
        yield from _typed_dicts(part)


def _interface(kind: type[Any]) -> str:
    doc = (kind.__doc__ or "").strip().splitlines()[0]
    fields = "\n".join(_fields(kind))
    return f"\n/** {doc} */\nexport interface {_name(kind)} {{\n{fields}\n}}\n"


def _name(kind: type[Any]) -> str:
    return NAMES.get(kind, kind.__name__)


def _fields(kind: type[Any]) -> Iterator[str]:
    readonly = "readonly " if dataclasses.is_dataclass(kind) else ""
    for name, hint in get_type_hints(kind, include_extras=True).items():
        optional = get_origin(hint) is NotRequired or name in _may_be_missing(kind)
        yield f"  {readonly}{name}{'?' if optional else ''}: {_type(hint)};"


def _may_be_missing(kind: type[Any]) -> frozenset[str] | set[str]:
    """Return the claims that a token may go without; a stored record has all its fields."""
    if is_typeddict(kind):
        optional: frozenset[str] = kind.__optional_keys__
        return optional
    if kind is not AccessTokenClaims:
        return set()
    return {f.name for f in dataclasses.fields(kind) if f.default is not dataclasses.MISSING}


def _type(hint: Any) -> str:  # noqa: ANN401 - a type hint is any object
    if hint in PLAIN:
        return PLAIN[hint]
    if is_typeddict(hint) or dataclasses.is_dataclass(hint):
        return _name(hint)
    return _composed(get_origin(hint), get_args(hint), hint)


def _composed(origin: Any, parts: tuple[Any, ...], hint: Any) -> str:  # noqa: ANN401 - as above
    if origin in {NotRequired, Annotated}:
        return _type(parts[0])
    if origin is Literal:
        return " | ".join(f'"{part}"' for part in parts)
    if origin in {Union, python.UnionType}:
        return " | ".join(_type(part) for part in parts)
    if origin is list:
        inner = _type(parts[0])
        return f"({inner})[]" if " " in inner else f"{inner}[]"
    if origin is tuple and parts[1:] == (...,):
        return f"readonly {_type(parts[0])}[]"
    if origin is dict:
        return f"Record<{_type(parts[0])}, {_type(parts[1])}>"
    raise TypeError(f"no TypeScript for {hint!r}")
