"""Where a chunked request body ends (RFC 9112 section 7.1)."""

from __future__ import annotations

import re
from typing import Final

from app.server.early_refusals import BodyTooLarge

# gunicorn's decoder copies all that follows for each chunk: 21,000 of one byte take it 0.2 s.
MAX_CHUNKS: Final = 256
MAX_CHUNK_LINE: Final = 256
MAX_TRAILER_BYTES: Final = 1024  # no client sends any
HEAD_END: Final = b"\r\n\r\n"
_CHUNK_SIZE: Final = re.compile(rb"([0-9a-fA-F]{1,8})[ \t]*(?:;.*)?", re.DOTALL)


def last_chunk(chunks: bytes | bytearray, position: int) -> tuple[bool, int, int]:
    """Look for the end of a chunked body from a chunk's first byte on.

    Returns whether all of it is here, where to go on looking, and how many chunks were passed,
    `MAX_CHUNKS` at most. What is malformed counts as whole: the decoder refuses it.

    Raises:
        BodyTooLarge: when there are trailers of more than `MAX_TRAILER_BYTES`.

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
            whole = (
                chunks.startswith(b"\r\n", trailer) or chunks.find(HEAD_END, trailer, limit) > 0
            )
            if not whole and len(chunks) > limit:
                raise BodyTooLarge
            return whole, position, count
        position = end + 2 + length + 2
    return False, position, MAX_CHUNKS
