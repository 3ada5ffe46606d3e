"""A bad line between real clients and real workers: it loses, cuts and delays real answers.

An answer is touched only after the server has sent all of it, so what it says is committed by
then. Seeded: a run that failed can be repeated, as far as the order of arrivals allows.
"""

import asyncio
import random
import re
import socket
import threading
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.support.servers.gunicorn import GunicornServer
from tests.support.servers.server import Server

START_SECONDS = 10
ANSWER_SECONDS = 30.0
HEAD_END = b"\r\n\r\n"

_CONNECTION = re.compile(rb"\r\nconnection:[^\r\n]*", re.IGNORECASE)
_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Weather:
    """What befalls messages: the share of each mishap, and the range of delays in seconds.

    `lost` answers never arrive. `cut` ones break off in their body, after the cookie. `delayed`
    ones are overtaken by later answers, `held` requests by later requests.
    """

    lost: float = 0.0
    cut: float = 0.0
    delayed: float = 0.0
    delay: tuple[float, float] = (0.0, 0.0)
    held: float = 0.0
    hold: tuple[float, float] = (0.0, 0.0)


CALM = Weather()


class Kept:
    """One message that waits in the proxy until it is released."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._here = threading.Event()
        self._released = asyncio.Event()

    async def arrived(self) -> None:
        if not await asyncio.to_thread(self._here.wait, START_SECONDS):
            raise TimeoutError("nothing came that could be kept")

    def release(self) -> None:
        self._loop.call_soon_threadsafe(self._released.set)

    async def wait(self) -> None:
        self._here.set()
        await self._released.wait()


class LossyProxy(Server):
    """A proxy on a port of its own; `url` is the PUBLIC_URL of the server behind it.

    One request a connection: each answer says `Connection: close`.
    """

    def __init__(self, seed: int, weather: Weather = CALM) -> None:
        self.weather = weather
        self.server_port = 0
        self.counts: Counter[str] = Counter()
        self._keep: dict[str, Kept] = {}
        self._random = random.Random(seed)  # noqa: S311 - weather
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = int(self._socket.getsockname()[1])
        self.url = f"http://localhost:{self.port}"
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), daemon=True)

    def start(self) -> None:
        self._thread.start()
        if not self._ready.wait(START_SECONDS):
            raise TimeoutError("the proxy did not start")

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(START_SECONDS)

    def keep(self, what: Literal["request", "answer"]) -> Kept:
        """Keep the next request back from the server, or the next answer from its client."""
        kept = self._keep[what] = Kept(self._loop)
        return kept

    async def _main(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._carry, sock=self._socket)
        self._ready.set()
        await self._end.wait()
        server.close()  # what is still under way is cancelled when the loop ends

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, TimeoutError, asyncio.CancelledError):
            request = await _request(reader)
            if kept := self._keep.pop("request", None):
                await kept.wait()
            if self._happens("held", self.weather.held):
                await asyncio.sleep(self._random.uniform(*self.weather.hold))
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await self._ask(request)
            await self._hand_over(answer, writer)
        writer.close()

    async def _ask(self, request: bytes) -> bytes:
        """Have the server answer to the end, whether or not anybody still waits for it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server_port)
        try:
            writer.write(request)
            return await reader.read(-1)
        finally:
            writer.close()

    async def _hand_over(self, answer: bytes, writer: asyncio.StreamWriter) -> None:
        if kept := self._keep.pop("answer", None):
            await kept.wait()
        self.counts["answers"] += 1
        weather = self.weather
        if self._happens("lost", weather.lost):
            return
        if self._happens("delayed", weather.delayed):
            await asyncio.sleep(self._random.uniform(*weather.delay))
        if self._happens("cut", weather.cut):
            answer = answer[: answer.index(HEAD_END) + len(HEAD_END) + 1]
        writer.write(answer)
        await writer.drain()

    def _happens(self, what: str, share: float) -> bool:
        happens = self._random.random() < share
        self.counts[what] += happens
        return happens


class ServerBehind(GunicornServer):
    """gunicorn that the world reaches through a proxy: the proxy's address is its PUBLIC_URL."""

    def __init__(
        self, proxy: LossyProxy, environment: Mapping[str, str], log: Path, workers: int
    ) -> None:
        super().__init__(environment, log, workers)
        self._environment["PUBLIC_URL"] = proxy.url
        proxy.server_port = self.port


async def _request(reader: asyncio.StreamReader) -> bytes:
    """Read one whole request and have the server close its connection after it."""
    head = await reader.readuntil(HEAD_END)
    length = _LENGTH.search(head)
    body = await reader.readexactly(int(length[1])) if length else b""
    bare = _CONNECTION.sub(b"", head).removesuffix(HEAD_END)
    return bare + b"\r\nConnection: close" + HEAD_END + body
