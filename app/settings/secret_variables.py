"""Read the secrets. Outside development none has a default."""

from __future__ import annotations

import base64
from typing import Final

from app.settings.instance import generated_secret
from app.settings.reader import Reader
from app.settings.secret_strength import SECRET_BYTES, decode_secret, secret_fault

FORM_KEY_BYTES: Final = 16
REMEDY: Final = "make one with 'flask --app wsgi secrets new'"


def jwt_secrets(reader: Reader) -> tuple[bytes, tuple[bytes, ...]]:
    """Return the secret that the keys of tokens are derived from, and the former ones."""
    current = _secret(reader, "JWT_SECRET", SECRET_BYTES)
    name = "JWT_SECRET_PREVIOUS"
    parts = [part.strip() for part in reader.text(name).split(",")]
    previous = [_checked(reader, name, part, SECRET_BYTES) for part in parts if part]
    if current and current in previous:
        reader.fault(name, "holds JWT_SECRET itself", "list only former secrets")
    return current, tuple(previous)


def secret_key(reader: Reader, jwt_secret: bytes) -> str:
    """Return Flask's key, which signs the CSRF tokens of forms."""
    raw = _secret(reader, "SECRET_KEY", FORM_KEY_BYTES)
    if raw and raw == jwt_secret:
        remedy = "use two secrets, so that one leak is not two"
        reader.fault("SECRET_KEY", "equals JWT_SECRET", remedy)
    return base64.urlsafe_b64encode(raw).decode()


def _secret(reader: Reader, name: str, min_bytes: int) -> bytes:
    value = reader.text(name)
    if not value and reader.development:
        value = generated_secret(reader, name)
        if not value:
            return b""
    if not value:
        reader.fault(name, "is missing", REMEDY)
        return b""
    return _checked(reader, name, value, min_bytes)


def _checked(reader: Reader, name: str, value: str, min_bytes: int) -> bytes:
    problem = secret_fault(value, min_bytes)
    if problem:
        reader.fault(name, problem, REMEDY)
    return decode_secret(value) or b""
