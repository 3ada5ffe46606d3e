"""Read variables of the environment, and collect what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_DURATION: Final = re.compile(r"([0-9]{1,9})([smhd]?)")
_UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


class SettingsError(Exception):
    """The settings have faults; `str()` of this is the report, with one fault a line."""

    def __init__(self, faults: list[str]) -> None:
        """Take `faults`, each a complete sentence."""
        self.faults = tuple(faults)
        lines = "\n".join(f"  - {fault}" for fault in faults)
        super().__init__(f"Latchkey cannot start: the environment has faults.\n{lines}")


class Reader:
    """Reads one variable a method, and collects the faults of all of them.

    A method that finds a fault still returns a usable value, so that the next can be checked.
    """

    def __init__(self, environ: Mapping[str, str], faults: list[str], root: Path) -> None:
        """Read from `environ`. `faults` has those known already; `root` is the project folder."""
        self.environ = environ
        self.faults = faults
        self.root = root
        self.instance = root / "instance"
        self.env = self.text("APP_ENV", "development")
        self.development = self.env == "development"
        self.deployed = self.env in {"staging", "production"}

    def fault(self, name: str, problem: str, remedy: str) -> None:
        """Add the fault of the variable `name` to the report."""
        self.faults.append(f"{name} {problem}: {remedy}.")

    def text(self, name: str, default: str = "") -> str:
        """Return the value without surrounding blanks, or `default` when there is none."""
        return self.environ.get(name, "").strip() or default

    def words(self, name: str) -> list[str]:
        """Return the parts of a value that commas or blanks separate."""
        return self.text(name).replace(",", " ").split()

    def number(self, name: str, default: int, minimum: int, maximum: int) -> int:
        """Return a whole number from `minimum` to `maximum`."""
        value = self.text(name, str(default))
        if re.fullmatch(r"[0-9]{1,9}", value) and minimum <= int(value) <= maximum:
            return int(value)
        self.fault(name, "is out of range", f"use a whole number from {minimum} to {maximum}")
        return default

    def duration(self, name: str, default: int, minimum: int, maximum: int) -> int:
        """Return seconds from `minimum` to `maximum`; the value may have a unit, as in 10m."""
        match = _DURATION.fullmatch(self.text(name, str(default)))
        seconds = int(match[1]) * _UNITS[match[2]] if match else -1
        if minimum <= seconds <= maximum:
            return seconds
        self.fault(
            name, "is out of range", f"use seconds from {minimum} to {maximum} (or 90s, 10m, 12h)"
        )
        return default
