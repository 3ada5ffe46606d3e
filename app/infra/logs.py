"""Logging: one line of JSON for each record, on standard output. `create_app` installs it."""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from app.infra.clock import rfc3339

ROOT_LOGGER: Final = "latchkey"
MAX_ERRORS_PER_MINUTE: Final = 60
MINUTE: Final = 60
MAX_TRACE: Final = 8000

# Of an error: logger, message without arguments, exception class, file and line that raised it.
ErrorKey = tuple[str, str, str, str, int]


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON. A line of the audit record already is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with line breaks and control characters escaped."""
        message = record.getMessage()
        if record.name == "latchkey.audit":
            return message
        line = {
            "ts": rfc3339(int(record.created)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": message,
            "request_id": getattr(record, "request_id", ""),
            "left_out": getattr(record, "left_out", 0),
            "trace": _trace(self, record),
        }
        return json.dumps({name: value for name, value in line.items() if value})


class ErrorLimit(logging.Filter):
    """Lets at most 60 equal errors a minute through and counts the others.

    An attacker who finds a request that causes an unexpected error can repeat it, and a traceback
    has kilobytes, so an unlimited log would fill the disk. The first line after an omission says
    how many were omitted (`left_out`).
    """

    def __init__(self) -> None:
        """Start without counts."""
        super().__init__()
        self._lock: Final = threading.Lock()
        self._counts: Final[dict[ErrorKey, tuple[float, int]]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is written."""
        if record.levelno < logging.ERROR:
            return True
        now, key = record.created, _error_key(record)
        with self._lock:
            since, count = self._counts.get(key, (now, 0))
            if not 0 <= now - since < MINUTE:
                record.left_out = max(0, count - MAX_ERRORS_PER_MINUTE)
                since, count = now, 0
            self._counts[key] = since, count + 1
        return count < MAX_ERRORS_PER_MINUTE


def _error_key(record: logging.LogRecord) -> ErrorKey:
    raised, _, trace = record.exc_info or (None, None, None)
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    file, line = (trace.tb_frame.f_code.co_filename, trace.tb_lineno) if trace else ("", 0)
    return record.name, record.msg, raised.__name__ if raised else "", file, line


def _trace(lines: logging.Formatter, record: logging.LogRecord) -> str:
    """Return the traceback, without its middle when it is longer than `MAX_TRACE`.

    The message of an exception may repeat the whole request.
    """
    trace = lines.formatException(record.exc_info) if record.exc_info else ""
    if len(trace) <= MAX_TRACE:
        return trace
    return f"{trace[: MAX_TRACE // 2]}\n[...]\n{trace[-MAX_TRACE // 2 :]}"


def install() -> None:
    """Send the log of `latchkey` to standard output. A second call has no effect."""
    logger = logging.getLogger(ROOT_LOGGER)
    if not logger.handlers:
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(JsonLines())
        handler.addFilter(ErrorLimit())
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False


@contextmanager
def on_stderr() -> Iterator[None]:
    """Send the log to standard error inside the `with` block, for commands that print a result."""
    logger = logging.getLogger(ROOT_LOGGER)
    previous, handler = logger.handlers, logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logger.handlers = [handler]
    try:
        yield
    finally:
        logger.handlers = previous
