"""Read the file `.env` beside `config.py`; the environment takes precedence over it."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TextIO

from dotenv.parser import parse_stream

# Only its owner may read a `.env` with a value for one of these, or with a password in a URL.
_SECRETS: Final = ("JWT_SECRET", "JWT_SECRET_PREVIOUS", "SECRET_KEY")
_URLS: Final = ("DATABASE_URL", "REDIS_URL", "MAIL_URL")
_PASSWORD_IN_URL: Final = re.compile(r"://[^/@]*:[^/@]+@")


def read_env_file(path: Path) -> tuple[dict[str, str], list[str]]:
    """Return the variables in the file `path`, and the faults of the file.

    Variables inside a value are not replaced, because a password may contain a `$`. The file is
    ignored when FLASK_SKIP_DOTENV is set, as Flask's command line does.
    """
    if os.environ.get("FLASK_SKIP_DOTENV", "0").lower() not in {"", "0", "false", "no"}:
        return {}, []
    name = path.name
    try:
        with path.open(encoding="utf-8") as file:
            others_can_read = os.fstat(file.fileno()).st_mode & stat.S_IROTH
            variables, faults = _parse(file, name)
    except FileNotFoundError:
        return {}, []
    except UnicodeDecodeError:
        return {}, [f"{name} is not UTF-8 text: save it as UTF-8."]
    except OSError as error:
        return {}, [f"{name} cannot be read ({error.strerror}): make it readable, or remove it."]
    if others_can_read and _has_secret(variables):
        faults.append(f"{name} holds secrets and everybody can read it: chmod 600 {name}.")
    return variables, faults


def _parse(file: TextIO, name: str) -> tuple[dict[str, str], list[str]]:
    variables: dict[str, str] = {}
    faults = []
    for line in parse_stream(file):
        where = f"{name} line {line.original.line}"
        if line.error or (line.key is not None and line.value is None):
            faults.append(f"{where} is not a setting: write NAME=value.")
        elif line.key in variables:
            faults.append(f"{where} sets {line.key} again: keep one of the two.")
        elif line.key is not None:
            variables[line.key] = line.value or ""
    return variables, faults


def _has_secret(variables: Mapping[str, str]) -> bool:
    return any(variables.get(name) for name in _SECRETS) or any(
        _PASSWORD_IN_URL.search(variables.get(name, "")) for name in _URLS
    )
