"""Write one JSON object of any size into a file, member after member."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Final


class JsonObject:
    """Writes UTF-8. Only one item of an array is in memory at a time."""

    def __init__(self, file: IO[bytes], indent: str = "") -> None:
        """Write at the position of `file`; `indent` stands before each line."""
        self._file: Final = file
        self._indent: Final = indent
        self._before = "{\n"

    def member(self, name: str, value: object) -> None:
        """Write a member. An iterator or a list becomes an array with a line for each item.

        Raises:
            TypeError, ValueError: when `value` is not JSON, such as a date, a set, NaN or half a
                surrogate pair; and what the iterator raises. The file is of no use then.

        """
        self._begin(name)
        if isinstance(value, list | Iterator):
            self._array(value)
        else:
            self._write(_encode(value))

    @contextmanager
    def nested(self, name: str) -> Iterator[JsonObject]:
        """Write a member that is an object, whose members are written inside the `with` block."""
        self._begin(name)
        inner = JsonObject(self._file, f"{self._indent}  ")
        yield inner
        inner.end()

    def end(self) -> None:
        """Write the end of the object."""
        self._write("{}" if self._before == "{\n" else f"\n{self._indent}}}")

    def _begin(self, name: str) -> None:
        self._write(f"{self._before}{self._indent}  {_encode(name)}: ")
        self._before = ",\n"

    def _array(self, items: Iterable[object]) -> None:
        before, end = "[\n", "[]"
        for item in items:
            self._write(f"{before}{self._indent}    {_encode(item)}")
            before, end = ",\n", f"\n{self._indent}  ]"
        self._write(end)

    def _write(self, text: str) -> None:
        self._file.write(text.encode())


def _encode(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
