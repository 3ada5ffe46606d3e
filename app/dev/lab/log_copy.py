"""A copy of the log in a file, for the attack that searches the log."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

from app.infra.logs import ROOT_LOGGER, JsonLines
from config import Settings

NAME: Final = "lab.log"


class Copy(logging.Handler):
    """Appends each line to a file that all workers share; it is opened anew for each line."""

    def __init__(self, path: Path) -> None:
        """Append to `path`."""
        super().__init__()
        self.name = NAME
        self._path = path
        self.setFormatter(JsonLines())

    def emit(self, record: logging.LogRecord) -> None:
        """Append one line."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{self.format(record)}\n")


def keep(settings: Settings) -> None:
    """Copy what the application logs from now on, once however often this is called."""
    logger = logging.getLogger(ROOT_LOGGER)
    for former in [handler for handler in logger.handlers if handler.name == NAME]:
        logger.removeHandler(former)
    logger.addHandler(Copy(settings.instance / NAME))


def begin(settings: Settings) -> Path:
    """Empty the copy, and return its path."""
    path = settings.instance / NAME
    path.write_bytes(b"")
    return path
