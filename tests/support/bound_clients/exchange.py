"""One request and its answer, as a browser sees them on a bad line."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.web.cookies import REFRESH

HEAD_END: Final = b"\r\n\r\n"


@dataclass(frozen=True)
class Answer:
    """An answer that arrived: `cookie` is None when it sets none, empty when it takes it back."""

    status: int
    headers: Mapping[str, str]
    cookie: str | None
    body: bytes

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def code(self) -> str:
        return str(self.data.get("code", "")) if self.status >= 400 else ""


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: object = None

    def __bytes__(self) -> bytes:
        body = b"" if self.body is None else json.dumps(self.body).encode()
        lines = [f"{self.method} {self.path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.method != "GET":
            lines.append(f"Content-Length: {len(body)}")
        if body:
            lines.append("Content-Type: application/json")
        return "\r\n".join((*lines, "Connection: close", "", "")).encode() + body


OnHead = Callable[[str | None, dict[str, str]], None]


async def exchange(port: int, request: Request, on_head: OnHead | None = None) -> Answer:
    """Send one request on a connection of its own; when cancelled, close it.

    `on_head` learns of cookie and headers as soon as they are there, body or no body.

    Raises:
        OSError, EOFError: no whole answer came.

    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(bytes(request))
        head = (await reader.readuntil(HEAD_END)).decode("latin-1").split("\r\n")
        fields = [line.partition(": ")[::2] for line in head[1:-2]]
        headers = {name.lower(): value for name, value in fields}
        cookie = _cookie_of(fields)
        if on_head:
            on_head(cookie, headers)
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        return Answer(int(head[0].split()[1]), headers, cookie, body)
    finally:
        writer.close()


def _cookie_of(fields: list[tuple[str, str]]) -> str | None:
    mark = f"{REFRESH}="
    values = [v for name, v in fields if name.lower() == "set-cookie" and v.startswith(mark)]
    return values[-1].removeprefix(mark).partition(";")[0] if values else None
