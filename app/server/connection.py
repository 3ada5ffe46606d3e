"""One client's connection: it collects a request as it arrives, and sends a response piecewise.

`loop` calls this. No method waits for the client. A thread that answers a request finds it
complete, and leaves the response here, so that a slow client occupies no thread.
"""

from __future__ import annotations

import io
import os
import re
import socket
from typing import TYPE_CHECKING, Any, Final

from gunicorn.http import RequestParser
from gunicorn.http.body import ChunkedReader
from gunicorn.http.errors import (
    InvalidChunkSize,
    LimitRequestHeaders,
    NoMoreData,
)
from gunicorn.http.unreader import Unreader

from app.infra.networks import site
from app.server.chunks import HEAD_END, MAX_CHUNKS, last_chunk
from app.server.early_refusals import BodyTooLarge
from app.server.outgoing import Outgoing
from config import BODY_BYTES

if TYPE_CHECKING:
    from gunicorn.config import Config

MAX_HEAD_BYTES: Final = 64 * 1024
CHUNKED_FACTOR: Final = 2  # a chunked body may have twice the bytes of its content
_BARE_LF: Final = re.compile(rb"(?<!\r)\n")


class Received(Unreader):
    """The bytes that have arrived, as the input of gunicorn's parser.

    When the parser reads more than these, it sees the end of the connection instead of waiting.
    """

    def chunk(self, _size_hint: int | None = None) -> bytes:
        """Return no bytes, which means the end of the connection to gunicorn's parser."""
        return b""

    def feed(self, data: bytes | bytearray) -> None:
        """Append bytes that have arrived."""
        self.buf.seek(0, os.SEEK_END)
        self.buf.write(data)


class Connection:
    """A client's socket, with the bytes that have arrived and those that are still to be sent.

    gunicorn's `Response` uses it like a socket, through `sendall`. `outgoing` is what it has to
    send. `keep` means that another request may follow the response, and `delayed` that the
    response has `Retry-After`.
    """

    def __init__(
        self,
        sock: socket.socket,
        client: Any,  # noqa: ANN401 - (host, port), or a path
        config: Config,
        max_body_bytes: int = BODY_BYTES,
    ) -> None:
        """Take a socket that was accepted from `client`, and make it non-blocking."""
        sock.settimeout(0)
        self.sock: Final = sock
        self.client: Final = client
        self.server: Final = sock.getsockname()
        self.ip: Final[str] = client[0] if client and isinstance(client, tuple) else ""
        self.site: Final = site(self.ip)
        self.parser: Final[Any] = RequestParser(config, (), client)
        self.parser.unreader = self._received = Received()
        self.request: Any = None
        self.keep = self.delayed = False
        self.deadline = 0.0
        self.events = 0
        self._head = bytearray()
        self._chunks: bytearray | None = None
        self._position = self._count = 0
        self._missing = 0
        self._max_body_bytes: Final = max_body_bytes
        self.outgoing: Final = Outgoing()

    @property
    def has_begun(self) -> bool:
        """Whether a part of a request has arrived."""
        return bool(self._head) or self.request is not None

    def feed(self, data: bytes) -> bool:
        """Take bytes that have arrived; return whether `request` is complete now.

        Raises:
            ParseException: when the bytes are not an HTTP request, or it is too large.

        """
        if self.request is not None:
            return self._feed_body(data)
        self._head += data
        start = max(0, self._position - len(HEAD_END) + 1)
        if self._head.find(HEAD_END, start) < 0 and not _BARE_LF.search(self._head, start):
            self._position = len(self._head)
            if self._position > MAX_HEAD_BYTES:
                raise LimitRequestHeaders("limit request headers size")
            return False
        self._received.feed(self._head)
        self._head.clear()
        self._position = 0
        self.request = next(self.parser)
        return self._begin_body()

    def next_request(self) -> bool:
        """Drop the answered request; return whether the next one has arrived completely.

        Raises ParseException as `feed` does.
        """
        self.request = self._chunks = None
        rest = self._received.take_buffered()
        return bool(rest) and self.feed(rest)

    def sendall(self, data: bytes) -> None:
        """Store a part of the response, which `flush` sends."""
        self.outgoing.append(data)

    def replace_response(self, data: bytes) -> None:
        """Store `data` as the whole response, after which the connection is closed."""
        self.outgoing.clear()
        self.outgoing.append(data)
        self.keep = self.delayed = False

    def flush(self) -> None:
        """Send as many bytes of the response as the socket accepts without waiting.

        Raises:
            OSError: when the client has closed the connection.

        """
        self.outgoing.send(self.sock)

    def close(self) -> None:
        """Close the socket, and drop what is unsent."""
        self.sock.close()
        self.outgoing.clear()

    def _begin_body(self) -> bool:
        reader = self.request.body.reader
        if isinstance(reader, ChunkedReader):
            self._chunks, rest = bytearray(), self._received.take_buffered()
            self._count = 0
        else:
            if reader.length > self._max_body_bytes:
                raise BodyTooLarge
            self._missing, rest = reader.length, self._received.take_buffered()
        # With `Expect: 100-continue`, a client sends the body after the response 100 (RFC 9110
        # section 10.1.1). gunicorn would send that with the call of the application, too late.
        expects_continue = self.request._expected_100_continue  # noqa: SLF001
        self.request._expected_100_continue = False  # noqa: SLF001
        complete = self._feed_body(rest)
        if expects_continue and not complete:
            self.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.flush()
        return complete

    def _feed_body(self, data: bytes) -> bool:
        if self._chunks is not None:
            self._chunks += data
            return self._feed_chunks(self._chunks)
        self._missing -= len(data)
        self._received.feed(data)
        return self._missing <= 0

    def _feed_chunks(self, chunks: bytearray) -> bool:
        """Return whether a chunked body is complete; if it is, decode it.

        Decoding it before a thread takes it lets a malformed body be refused like any request.
        """
        complete, self._position, count = last_chunk(chunks, self._position)
        self._count += count
        if self._count >= MAX_CHUNKS * (self._max_body_bytes // BODY_BYTES):
            raise BodyTooLarge
        if not complete:
            if max(len(chunks), self._position) > CHUNKED_FACTOR * self._max_body_bytes:
                raise BodyTooLarge
            return False
        self._position = 0
        self._received.feed(chunks)
        try:
            body = self.request.body.read()
        except NoMoreData as error:
            raise InvalidChunkSize(b"too long a line") from error
        if len(body) > self._max_body_bytes:
            raise BodyTooLarge
        self.request.body = io.BytesIO(body)
        return True
