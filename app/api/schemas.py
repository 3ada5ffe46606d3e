"""JSON Schema of the wire's types, from their Python definitions: a second copy would drift."""

from __future__ import annotations

from typing import (
    Any,
    Final,
    Literal,
    NotRequired,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

Schema = dict[str, Any]

PLAIN: Final[dict[Any, str]] = {str: "string", int: "integer", bool: "boolean"}
ID: Final = "^[A-Za-z0-9_-]{22}$"
COMPACT: Final = r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$"
EXAMPLE_ID: Final = "Zk3Qy0vXbT9cLr5sW8hNfA"
EXAMPLE_TIME: Final = "2026-11-23T08:27:00Z"

# What a type hint cannot say, by the name of the field.
FIELDS: Final[dict[str, Schema]] = {
    "id": {"pattern": ID, "examples": [EXAMPLE_ID]},
    "email": {"format": "idn-email", "examples": ["ada@example.com"]},
    "created_at": {"format": "date-time", "examples": [EXAMPLE_TIME]},
    "last_used_at": {"format": "date-time", "examples": [EXAMPLE_TIME]},
    "expires_at": {
        "format": "date-time",
        "description": "When the session ends, however often it is refreshed.",
        "examples": ["2026-11-24T08:27:00Z"],
    },
    "access_token": {
        "description": "A JWT for the `Authorization` header. Keep it in memory only.",
        "pattern": COMPACT,
        "examples": ["eyJhbGciOi…"],
    },
    "token_type": {"description": "`DPoP` when the session is bound to a key."},
    "expires_in": {
        "description": "Seconds the access token lives.",
        "minimum": 0,
        "examples": [600],
    },
    "current": {"description": "Whether this request belongs to it."},
    "remembered": {"description": "Whether it outlives the browser."},
    "ip": {"description": "Where it was last used.", "examples": ["192.0.2.7"]},
    "device": {"examples": ["Firefox on Windows"]},
    "failing": {"minItems": 1, "uniqueItems": True},
    "type": {"pattern": "^urn:latchkey:problem:[a-z_]+$"},
    "code": {"pattern": "^[a-z_]+$", "description": "Stable: decide by this."},
    "detail": {"description": "A sentence for people."},
    "request_id": {
        "pattern": "^[0-9a-f]{16}$",
        "description": "The number of `X-Request-Id`, also in the log.",
    },
    "reasons": {"minItems": 1, "description": "With `weak_password`: everything that is wrong."},
}


def component(kind: type[Any]) -> Schema:
    """Return the schema of a typed dict: exactly its fields, so that nothing more leaks."""
    hints = get_type_hints(kind, include_extras=True)
    return {
        "type": "object",
        "description": (kind.__doc__ or "").strip().splitlines()[0],
        "properties": {name: _schema(hint) | FIELDS.get(name, {}) for name, hint in hints.items()},
        "required": [name for name, hint in hints.items() if get_origin(hint) is not NotRequired],
        "additionalProperties": False,
    }


def reference(kind: type[Any]) -> Schema:
    """Return what points to a typed dict's schema."""
    return {"$ref": f"#/components/schemas/{kind.__name__}"}


def _schema(hint: Any) -> Schema:  # noqa: ANN401 - a type hint is any object
    if hint in PLAIN:
        return {"type": PLAIN[hint]}
    if is_typeddict(hint):
        return reference(hint)
    parts = get_args(hint)
    if get_origin(hint) is NotRequired:
        return _schema(parts[0])
    if get_origin(hint) is Literal:
        return {"type": "string", "enum": list(parts)}
    if get_origin(hint) is list:
        return {"type": "array", "items": _schema(parts[0])}
    raise TypeError(f"no JSON Schema for {hint!r}")
