"""Make the filter of `app.accounts.breached_passwords` from a published list of SHA-1 hashes.

The list has one line for each password: its SHA-1 in hex, a colon, and how often it was seen, as
haveibeenpwned.com publishes it. It may have any size and order. A first pass checks each line and
puts 8 bytes of each hash into one of 128 temporary files, by its first 7 bits; a second pass sorts
each file and appends it to the filter. The memory needed is that of one file: about 600 MB for a
list of a billion. The temporary files have no name, so nothing is left of them in any case.
"""

from __future__ import annotations

import gzip
import os
import re
import struct
import tempfile
import zlib
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, nullcontext
from io import BufferedReader
from itertools import pairwise
from pathlib import Path
from typing import IO, Final

from app.accounts.breached_passwords import (
    FINGERPRINT,
    FINGERPRINT_BYTES,
    HEADER,
    INDEX,
    MAGIC,
    MIN_BITS,
    entries_at,
)

PART_BITS: Final = 7  # the files stay open, and macOS allows 256
PARTS: Final = 1 << PART_BITS
BLOCK_BYTES: Final = 1 << 22
MAX_LINE_BYTES: Final = 1024
KEPT_BYTES: Final = 8  # of each hash
MEAN_BUCKET_BITS: Final = 6  # at most 64 entries on average

_GZIP: Final = b"\x1f\x8b"
_LINE: Final = re.compile(rb"^([0-9A-Fa-f]{16})[0-9A-Fa-f]{24}:[0-9]{1,20}\r?$", re.MULTILINE)


class ListRefused(Exception):
    """The list cannot be imported; `str()` of this is a sentence that says why."""


def import_list(source: BufferedReader, target: Path, report: Callable[[int], None]) -> int:
    """Make the filter `target` from the list `source`, plain or gzip; return its entries.

    `report` gets the number of lines read so far, after each few megabytes. The filter appears
    complete or not at all: until then, and after an error, `target` is what it was.

    Raises:
        ListRefused: when a line is not a hash and a count, or when there is no line.
        OSError: when a file cannot be read or written.

    """
    with ExitStack() as stack:
        parts = [
            stack.enter_context(tempfile.TemporaryFile(dir=target.parent)) for _ in range(PARTS)
        ]
        lines = 0
        for hashes in _read_hashes(source):
            _distribute(hashes, parts)
            lines += len(hashes)
            report(lines)
        if not lines:
            raise ListRefused("The list is empty.")
        return _replace(target, parts, bits=max(MIN_BITS, lines.bit_length() - MEAN_BUCKET_BITS))


def _read_hashes(source: BufferedReader) -> Iterator[list[int]]:
    """Iterate over the list in blocks: the first 8 bytes of each hash as an integer, sorted."""
    lines = 0
    for block in _blocks(source):
        hashes = _LINE.findall(block)
        if len(hashes) != block.count(b"\n") + (not block.endswith(b"\n")):
            raise ListRefused(_malformed(block, lines))
        lines += len(hashes)
        yield sorted(_unpack(bytes.fromhex(b"".join(hashes).decode("ascii"))))


def _blocks(source: BufferedReader) -> Iterator[bytes]:
    """Iterate over a list, plain or gzip, in blocks of whole lines."""
    is_gzip = source.peek(len(_GZIP)).startswith(_GZIP)
    with gzip.open(source) if is_gzip else nullcontext(source) as file:
        try:
            while block := file.read(BLOCK_BYTES):
                yield block + file.readline(MAX_LINE_BYTES)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ListRefused(f"The list is gzip and damaged ({error}).") from None


def _malformed(block: bytes, lines_before: int) -> str:
    lines = enumerate(block.split(b"\n"), lines_before + 1)
    number = next(number for number, line in lines if not _LINE.fullmatch(line))
    return f"Line {number:,} is not a SHA-1 in 40 hex digits, a colon and a count."


def _distribute(hashes: list[int], parts: Sequence[IO[bytes]]) -> None:
    """Append each of the sorted hashes to the part that its first bits number."""
    start = 0
    for number, part in enumerate(parts):
        end = bisect_left(hashes, (number + 1) << (8 * KEPT_BYTES - PART_BITS), start)
        part.write(_pack(hashes[start:end]))
        start = end


def _replace(target: Path, parts: Sequence[IO[bytes]], bits: int) -> int:
    """Write the filter beside `target`, then put it in its place; return the number of entries."""
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with draft.open("xb") as file:
            entries = _write(file, parts, bits)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    _sync_folder(target.parent)
    return entries


def _write(file: IO[bytes], parts: Sequence[IO[bytes]], bits: int) -> int:
    """Write the filter; return the number of entries. The header comes last."""
    entries, buckets = 0, (1 << bits) // PARTS
    for number, part in enumerate(parts):
        hashes = _sorted(part)
        numbers = range(number * buckets, (number + 1) * buckets)
        starts = [entries + bisect_left(hashes, bucket << (64 - bits)) for bucket in numbers]
        file.seek(HEADER.size + numbers.start * INDEX.size)
        file.write(struct.pack(f"<{buckets}Q", *starts))
        file.seek(entries_at(bits) + entries * FINGERPRINT_BYTES)
        file.write(_fingerprints(hashes))
        entries += len(hashes)
    size = file.tell()
    file.seek(entries_at(bits) - INDEX.size)
    file.write(INDEX.pack(entries))
    file.seek(0)
    file.write(HEADER.pack(MAGIC, size, entries, bits))
    return entries


def _sorted(part: IO[bytes]) -> list[int]:
    """Return the hashes of a part in order, each once."""
    part.seek(0)
    hashes = sorted(_unpack(part.read()))
    return [*hashes[:1], *(after for before, after in pairwise(hashes) if before != after)]


def _fingerprints(hashes: list[int]) -> bytes:
    kept, found = _pack(hashes), bytearray(len(hashes) * FINGERPRINT_BYTES)
    for offset, byte in enumerate(range(*FINGERPRINT.indices(KEPT_BYTES))):
        found[offset::FINGERPRINT_BYTES] = kept[byte::KEPT_BYTES]
    return bytes(found)


def _pack(hashes: list[int]) -> bytes:
    return struct.pack(f">{len(hashes)}Q", *hashes)


def _unpack(raw: bytes) -> tuple[int, ...]:
    return struct.unpack(f">{len(raw) // KEPT_BYTES}Q", raw)


def _sync_folder(folder: Path) -> None:
    """Have the disk keep the new name of a file in `folder`."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
