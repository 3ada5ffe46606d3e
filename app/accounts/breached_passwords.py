"""Look up whether a password is known from a breach, in a filter file.

`app.accounts.breach_import` makes the file from a published list of SHA-1 hashes. Integers are
little-endian:

    bytes 0 to 7      MAGIC
    bytes 8 to 15     size of the file in bytes
    bytes 16 to 23    number of entries
    bytes 24 to 31    `bits`: the file has 2**bits buckets
    2**bits + 1 integers of 8 bytes: the first entry of each bucket, and the number of entries
    the entries, 3 bytes each

A hash belongs to the bucket that its first `bits` bits number. Its entry is its bytes 5 to 7. A
bucket has 64 entries on average at most, so a hash that is not in the list is found with a
probability of 64 / 2**24 at most: 1 in 262,144.

A look-up reads the header, two of the integers and one bucket. It does not map the file. The
operating system shares what was read among the workers in either case; but a mapped file that
somebody cuts short ends a worker with SIGBUS, and while a mapped page comes from the disk no other
thread of the worker runs.
"""

from __future__ import annotations

import hashlib
import logging
import os
import struct
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Final

MAGIC: Final = b"LKbreach"
HEADER: Final = struct.Struct("<8sQQQ")
INDEX: Final = struct.Struct("<Q")
MIN_BITS: Final = 8
MAX_BITS: Final = 40
FINGERPRINT: Final = slice(5, 8)
FINGERPRINT_BYTES: Final = FINGERPRINT.stop - FINGERPRINT.start

logger: Final = logging.getLogger("latchkey.passwords")


class FilterDamaged(Exception):
    """The file is not a filter, or not a whole one."""


@dataclass(frozen=True)
class BreachedPasswords:
    """The filter at `path`. Each look-up opens it, so that a new import takes effect at once."""

    path: Path

    def has(self, text: str) -> bool:
        """Return whether a normalized password is in the filter.

        A filter that is gone or damaged has no password, and the log says so: it defends against
        guesses, and nobody must be kept from logging in without it.
        """
        digest = hashlib.sha1(text.encode(), usedforsecurity=False).digest()
        try:
            with self.path.open("rb", buffering=0) as file:
                return _has(file, digest)
        except (OSError, FilterDamaged) as error:
            logger.error(  # noqa: TRY400 - the sentence says it all
                "BREACHED_PASSWORDS cannot be read, so no password is found in it: %s", error
            )
            return False


def entries_at(bits: int) -> int:
    """Return where the entries begin in a filter with 2**bits buckets."""
    return HEADER.size + ((1 << bits) + 1) * INDEX.size


def _has(file: FileIO, digest: bytes) -> bool:
    entries, bits = _read_header(file)
    bucket = int.from_bytes(digest[:8], "big") >> (64 - bits)
    first, end = struct.unpack("<QQ", _read(file, HEADER.size + bucket * INDEX.size, 16))
    if not first <= end <= entries:
        raise FilterDamaged("its buckets are not in order")
    found = _read(
        file, entries_at(bits) + first * FINGERPRINT_BYTES, (end - first) * FINGERPRINT_BYTES
    )
    starts = range(0, len(found), FINGERPRINT_BYTES)
    return any(found[at : at + FINGERPRINT_BYTES] == digest[FINGERPRINT] for at in starts)


def _read_header(file: FileIO) -> tuple[int, int]:
    """Return the number of entries, and of the bits that number the buckets."""
    magic, size, entries, bits = HEADER.unpack(_read(file, 0, HEADER.size))
    if magic != MAGIC or not MIN_BITS <= bits <= MAX_BITS:
        raise FilterDamaged("it is not a filter")
    if (
        not size
        == os.fstat(file.fileno()).st_size
        == entries_at(bits) + entries * FINGERPRINT_BYTES
    ):
        raise FilterDamaged("it has not the size that it had")
    return entries, bits


def _read(file: FileIO, at: int, size: int) -> bytes:
    found = os.pread(file.fileno(), size, at)
    if len(found) < size:
        raise FilterDamaged("it ends early")
    return found
