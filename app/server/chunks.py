"""Find the end of a chunked request body (RFC 9112 section 7.1); `connection` calls this."""

from __future__ import annotations

import re
from typing import Final

from app.server.early_refusals import BodyTooLarge

# For each chunk, gunicorn's decoder copies everything after it: 21,000 chunks of one byte take
# 0.2 s.
MAX_CHUNKS: Final = 256
MAX_CHUNK_LINE: Final = 256
MAX_TRAILER_BYTES: Final = 1024  # no client sends any
HEAD_END: Final = b"\r\n\r\n"
_CHUNK_SIZE: Final = re.compile(rb"([0-9a-fA-F]{1,8})[ \t]*(?:;.*)?", re.DOTALL)


def last_chunk(chunks: bytes | bytearray, position: int) -> tuple[bool, int, int]:
    """Look for the end of a chunked body; `position` is the first byte of a chunk.

    Returns whether the body is complete, the position from which the next call continues, and the
    number of chunks that were read, at most `MAX_CHUNKS`. A malformed body counts as complete,
    because the decoder refuses it.

    Raises:
        BodyTooLarge: when the trailers have more than `MAX_TRAILER_BYTES`.

    """
    for count in range(MAX_CHUNKS):
        end = chunks.find(b"\r\n", position, position + MAX_CHUNK_LINE)
        if end < 0:
            return len(chunks) - position >= MAX_CHUNK_LINE, position, count
        size = _CHUNK_SIZE.fullmatch(chunks, position, end)
        if size is None:
            return True, position, count
        length = int(size[1], 16)
        if length == 0:
            trailer = end + 2
            limit = trailer + MAX_TRAILER_BYTES
            complete = (
                chunks.startswith(b"\r\n", trailer) or chunks.find(HEAD_END, trailer, limit) > 0
            )
            if not complete and len(chunks) > limit:
                raise BodyTooLarge
            return complete, position, count
        position = end + 2 + length + 2
    return False, position, MAX_CHUNKS
