"""Logging: one line a record on standard output, for whatever collects it."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from app.clock import rfc3339

ROOT_LOGGER: Final = "latchkey"


class Lines(logging.Formatter):
    """Writes a record as one line of JSON; an audit line is one already."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; line breaks and control characters inside are escaped."""
        message = record.getMessage()
        if record.name == "latchkey.audit":
            return message
        line = {
            "ts": rfc3339(int(record.created)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": message,
            "request_id": getattr(record, "request_id", ""),
            "trace": self.formatException(record.exc_info) if record.exc_info else "",
        }
        return json.dumps({name: value for name, value in line.items() if value})


def install() -> None:
    """Send the application's log to standard output, once."""
    logger = logging.getLogger(ROOT_LOGGER)
    if not logger.handlers:
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(Lines())
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False


@contextmanager
def on_stderr() -> Iterator[None]:
    """Leave standard output to a command's own result."""
    logger = logging.getLogger(ROOT_LOGGER)
    kept, handler = logger.handlers, logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines())
    logger.handlers = [handler]
    try:
        yield
    finally:
        logger.handlers = kept
