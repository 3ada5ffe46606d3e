"""Hold texts to the end of their pattern: `$` accepts no line break after it.

msgspec searches with Python's `re`, whose `$` also matches before a line break at the end of the
text. In the JSON Schema of `/openapi.json` (ECMA-262) it does not, and nobody who writes
`^[a-z]+$` expects it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from msgspec import inspect

# A `$` that is neither escaped nor in a set of characters.
_DOLLAR: Final = re.compile(r"(\\.|\[\^?\]?(?:\\.|[^\]\\])*\])|\$", re.DOTALL)
_type_info: Final = cache(inspect.type_info)


def unmatched(hint: Any, value: Any) -> Iterator[str]:  # noqa: ANN401 - any type, and a value of it
    """Iterate over the names of the fields whose text has a line break after its pattern's end.

    `value` is of the type `hint`, as msgspec understands it. The name is empty for `value` itself.
    """
    waiting = [(_type_info(hint), value, "")]
    while waiting:
        kind, value, name = waiting.pop()
        match kind, value:
            case inspect.StrType(pattern=str(pattern)), str():
                if value.endswith("\n") and not _to_the_end(pattern).search(value):
                    yield name
            case _:
                waiting.extend(_parts(kind, value, name))


def _parts(kind: inspect.Type, value: Any, name: str) -> Iterator[tuple[inspect.Type, Any, str]]:  # noqa: ANN401
    """Iterate over what `value` consists of: of each part its type, itself, its field's name."""
    match kind, value:
        case inspect.Metadata(type=described), _:
            yield described, value, name
        case inspect.UnionType(types=kinds), _:
            yield from ((choice, value, name) for choice in kinds)
        case inspect.TypedDictType(fields=fields), dict():
            yield from ((field.type, value.get(field.name), field.name) for field in fields)
        case inspect.DictType(key_type=key_type, value_type=value_type), dict():
            yield from ((key_type, key, name) for key in value)
            yield from ((value_type, inner, name) for inner in value.values())
        case inspect.CollectionType(item_type=item_type), list() | tuple() | set() | frozenset():
            yield from ((item_type, inner, name) for inner in value)
        case inspect.TupleType(item_types=kinds), tuple():
            yield from ((part, inner, name) for part, inner in zip(kinds, value, strict=True))


@cache
def _to_the_end(pattern: str) -> re.Pattern[str]:
    return re.compile(_DOLLAR.sub(lambda match: match[1] or r"\Z", pattern))
