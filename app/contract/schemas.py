"""JSON Schema of the typed dicts that requests and responses are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from app.web.fields import NEW_PASSWORD_FORMAT

Schema = dict[str, Any]

_COMPONENTS: Final = "#/components/schemas/"
# A request's text never contains NUL; that it is not half a surrogate pair no pattern can say.
_TEXT: Final = "^[^\\u0000]*$"
# Every other format, such as an address or a time, excludes NUL by itself.
_FREE_TEXT: Final = frozenset({None, "password", NEW_PASSWORD_FORMAT})


class Schemas:
    """The schemas of the types that `requests` and `responses` list, and of the types inside.

    A response has exactly the fields of its type; a request may have others, which are ignored.
    """

    def __init__(
        self,
        requests: Iterable[type[Any]],
        responses: Iterable[type[Any]],
        password_min_length: int,
    ) -> None:
        sent, answered = set(requests), set(responses)
        kinds = [*sent, *(answered - sent)]
        template = _COMPONENTS + "{name}"
        found, self.components = msgspec.json.schema_components(kinds, ref_template=template)
        self._schemas = dict(zip(kinds, found, strict=True))
        in_requests = {id(part) for kind in sent for part in self._reachable(self._schemas[kind])}
        for schema in self.components.values():
            if id(schema) not in in_requests:
                schema["additionalProperties"] = False
                continue
            for text in filter(_is_text, _parts(schema)):
                if text.get("format") in _FREE_TEXT:
                    text.setdefault("pattern", _TEXT)
                if text.get("format") == NEW_PASSWORD_FORMAT:
                    text["minLength"] = password_min_length

    def of(self, kind: type[Any]) -> Schema:
        """Return the schema of a type: a reference when it is a component."""
        return self._schemas[kind]

    def example(self, kind: type[Any]) -> dict[str, Any] | None:
        """Return an object made of the fields' examples; None when a required field has none."""
        schema = self.components[self.of(kind)["$ref"].removeprefix(_COMPONENTS)]
        fields = {
            name: field["examples"][0]
            for name, field in schema["properties"].items()
            if "examples" in field
        }
        return fields if fields.keys() >= set(schema["required"]) else None

    def _reachable(self, schema: Schema) -> Iterator[Schema]:
        """Iterate over a schema's parts and those of the components that it refers to."""
        for part in _parts(schema):
            yield part
            if reference := part.get("$ref"):
                yield from self._reachable(self.components[reference.removeprefix(_COMPONENTS)])


def query_fields(kind: type[Any]) -> tuple[set[str], dict[str, Schema]]:
    """Return the required parameters of a query, and the schema of each parameter."""
    _, components = msgspec.json.schema_components([kind])
    (schema,) = components.values()
    for text in filter(_is_text, _parts(schema)):
        text.setdefault("pattern", _TEXT)
    return set(schema["required"]), schema["properties"]


def _is_text(schema: Schema) -> bool:
    return schema.get("type") == "string" and "enum" not in schema


def _parts(schema: Any) -> Iterator[Schema]:  # noqa: ANN401 - any part of a schema
    """Iterate over all objects inside a schema, itself first."""
    if isinstance(schema, dict):
        yield schema
        for inner in schema.values():
            yield from _parts(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _parts(inner)
