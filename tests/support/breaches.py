"""Lists of breached passwords, as they are published, and filters made from them."""

import hashlib
import io
from pathlib import Path

from app.accounts.breach_import import import_list


def sha1(password: str) -> str:
    return hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()


def list_of(*passwords: str) -> bytes:
    """Return a list as haveibeenpwned.com has them: sorted, with the line ends of Windows."""
    lines = sorted(f"{sha1(password)}:{len(password)}\r\n" for password in passwords)
    return "".join(lines).encode()


def import_into(target: Path, published: bytes) -> int:
    """Make a filter; return the number of its entries."""
    return import_list(io.BufferedReader(io.BytesIO(published)), target, lambda _lines: None)


def filter_of(folder: Path, *passwords: str) -> Path:
    target = folder / "breached"
    import_into(target, list_of(*passwords))
    return target
