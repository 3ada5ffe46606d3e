"""What is still to be sent to a client: in memory, and in a temporary file where it is large.

A response is written as a whole before it is sent, so that a slow client occupies no thread. With
this, a large one occupies little memory either, however many clients read it slowly.
"""

from __future__ import annotations

import tempfile
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from socket import socket

MAX_IN_MEMORY: Final = 1 << 20
PROGRESS_BYTES: Final = 1 << 19
PART_BYTES: Final = 1 << 18


class Outgoing:
    """The unsent part of a response; `bool()` says whether there is one."""

    def __init__(self) -> None:
        self._sent = 0
        self._memory = bytearray()
        # What comes after the bytes in memory. It is there as long as a part of it is unread.
        self._file: IO[bytes] | None = None
        self._position = self._end = 0

    def __bool__(self) -> bool:
        return bool(self._memory) or self._file is not None

    def append(self, data: bytes) -> None:
        """Add bytes to be sent after those that are there.

        Raises:
            OSError: when the disk is full.

        """
        if self._file is None and len(self._memory) + len(data) <= MAX_IN_MEMORY:
            self._memory += data
            return
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - `clear` closes it
        self._file.seek(self._end)
        self._end += self._file.write(data)
        self._file.flush()  # not later, when a part of the response is sent already

    def clear(self) -> None:
        """Drop everything that is unsent."""
        self._memory.clear()
        if self._file:
            with suppress(OSError):  # where the disk is full, it tries once more to write
                self._file.close()
            self._file, self._position, self._end = None, 0, 0

    def has_progressed(self) -> bool:
        """Return whether the client has taken `PROGRESS_BYTES` since this last returned True."""
        if self._sent < PROGRESS_BYTES:
            return False
        self._sent = 0
        return True

    def send(self, sock: socket) -> None:
        """Send as many bytes as the socket accepts at once, at most one part of a file.

        Raises:
            OSError: when the client has closed the connection.

        """
        if not self._memory and self._file:
            part = self._next_part(self._file)
            self._memory += part
        if self._memory:
            with suppress(BlockingIOError):
                count = sock.send(self._memory)
                del self._memory[:count]
                self._sent += count

    def _next_part(self, file: IO[bytes]) -> bytes:
        """Read the next part of the file, and drop the file after the last one."""
        file.seek(self._position)
        part = file.read(PART_BYTES)
        self._position += len(part)
        if self._position == self._end:
            self.clear()
        return part
