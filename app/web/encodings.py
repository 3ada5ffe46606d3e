"""Content codings (RFC 9110, section 8.4): those that a client accepts, and how to make them."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

import brotli
from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header

IDENTITY: Final = "identity"
MAX_BYTES_OF_BEST: Final = 1 << 17
MAX_CACHED_HEADERS: Final = 64
MAX_HEADER_LENGTH: Final = 256
# Files of other types, such as woff2 and png, are compressed already.
COMPRESSIBLE: Final = ("javascript", "json", "xml", "wasm")


def _brotli(content: bytes) -> bytes:
    """Compress as well as brotli can where that takes less than 0.2 s; larger files quickly."""
    quality = 11 if len(content) <= MAX_BYTES_OF_BEST else 5
    compressed: bytes = brotli.compress(content, quality=quality)
    return compressed


def _gzip(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)  # the same bytes in every process


# The smallest first: a coding is preferred to those after it that a client accepts as well.
COMPRESS: Final[Mapping[str, Callable[[bytes], bytes]]] = MappingProxyType(
    {"br": _brotli, "gzip": _gzip}
)


def is_compressible(mimetype: str) -> bool:
    """Return whether files of this type get smaller."""
    return mimetype.startswith("text/") or mimetype.endswith(COMPRESSIBLE)


@lru_cache(MAX_CACHED_HEADERS)
def accepted(header: str) -> tuple[str, ...]:
    """Return the codings that an `Accept-Encoding` accepts, the best first, without `identity`.

    RFC 9110, section 12.5.3: `q=0` refuses a coding, and `*` stands for the codings that are not
    named. A coding is left out where the client likes the file as it is better (`identity`). A
    header that is much longer than those of browsers accepts nothing: reading it takes 4 ms.
    """
    if len(header) > MAX_HEADER_LENGTH:
        return ()
    values = parse_accept_header(header, Accept)
    identity = next((q for coding, q in values if coding.lower() == IDENTITY), 0)
    liked = [one for one in COMPRESS if 0 < values.quality(one) >= identity]
    return tuple(sorted(liked, key=values.quality, reverse=True))  # stable: equals stay in order
