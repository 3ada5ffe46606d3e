"""The answer to one request of an attack."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Answer:
    """Status, headers and body of an answer; `seconds` passed between the request and its end."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    seconds: float = field(compare=False)

    def header(self, name: str) -> str:
        """Return the values of a header, joined by commas; an empty string without it."""
        return ", ".join(value for key, value in self.headers if key.lower() == name.lower())

    @property
    def json(self) -> dict[str, Any]:
        """The JSON object of the body; an empty one when the body is something else."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def code(self) -> str:
        """The stable code of a refusal; an empty string in any other answer."""
        return str(self.json.get("code", ""))

    @property
    def set_cookies(self) -> dict[str, str]:
        """The Set-Cookie lines by the name of their cookie."""
        lines = [value for key, value in self.headers if key.lower() == "set-cookie"]
        return {line.partition("=")[0]: line for line in lines}

    def cookie(self, name: str) -> str:
        """Return the value a cookie was set to; an empty string when it was cleared or not set."""
        return self.set_cookies.get(name, "").partition("=")[2].partition(";")[0]
