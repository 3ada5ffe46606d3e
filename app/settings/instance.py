"""The folder `instance/` of development: it is made at the first start, with generated secrets."""

from __future__ import annotations

import os
from pathlib import Path

from app.settings.reader import Reader
from app.settings.secret_strength import new_secret

REMEDY = "make the folder writable"


def prepare(reader: Reader) -> None:
    """Make the folder, for its owner only, when it is missing."""
    try:
        reader.instance.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        reader.fault("instance/", f"cannot be made ({error.strerror})", REMEDY)


def generated_secret(reader: Reader, name: str) -> str:
    """Return the secret in `instance/`; generate it when it is missing. Empty after a fault."""
    path = reader.instance / f"{name.lower()}.txt"
    try:
        _create(path, new_secret())
        return path.read_text(encoding="ascii").strip()
    except OSError as error:
        reader.fault("instance/", f"is not usable ({error.strerror})", REMEDY)
        return ""


def _create(path: Path, text: str) -> None:
    """Create the file `path` with mode 0600, unless it exists.

    The file appears complete, so that another process never reads a part of it.
    """
    if path.exists():
        return
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
