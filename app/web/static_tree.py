"""The files of static folders as they are when the server starts, and their version."""

from __future__ import annotations

import hashlib
import mimetypes
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from app.web.kept_file import KeptFile

MAX_KEPT_BYTES: Final = 1 << 20
VERSION_DIGITS: Final = 12

Stamp = tuple[int, int]
Files = Mapping[str, KeptFile | Stamp]


def read(folders: Mapping[str, str]) -> tuple[dict[str, Files], str]:
    """Return the files of each named folder by their path in it, and one version of all folders.

    A file of at most 1 MiB is kept in memory: it is sent as the version names it, also when the
    file is written later. Of a larger one, and of one that is stored compressed (such as
    `.svgz`), there is only the `stamp`.

    Raises:
        OSError: when a file cannot be read.

    """
    version = hashlib.sha256()
    files_of: dict[str, Files] = {}
    for folder_name, folder in folders.items():
        files: dict[str, KeptFile | Stamp] = {}
        for path in _paths(folder):
            name = path.relative_to(folder).as_posix()
            files[name], digest = _read(path)
            version.update(os.fsencode(f"{folder_name} {digest} {name}\0"))
        files_of[folder_name] = files
    return files_of, f"v-{version.hexdigest()[:VERSION_DIGITS]}"


def stamp(path: Path) -> Stamp:
    """Return the size of a file and when it was written, in ns."""
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _paths(folder: str) -> list[Path]:
    """Return the files of a folder, in an order that is the same on every machine."""
    walk = os.walk(folder, followlinks=True)
    paths = (Path(parent, name) for parent, _, names in walk for name in names)
    return sorted(path for path in paths if path.is_file())  # not a link that leads nowhere


def _read(path: Path) -> tuple[KeptFile | Stamp, str]:
    """Return a file and the hash of its content."""
    mimetype, stored_as = mimetypes.guess_type(path.name)
    before = stamp(path)
    if before[0] > MAX_KEPT_BYTES or stored_as:
        with path.open("rb") as file:
            return before, hashlib.file_digest(file, "sha256").hexdigest()
    content = path.read_bytes()
    kept = KeptFile(content, mimetype or "application/octet-stream")
    return kept, kept.digest
