"""Logging: one line a record on standard output, for whatever collects it."""

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
ERRORS_A_MINUTE: Final = 60
MINUTE: Final = 60
MAX_TRACE: Final = 8000

Kind = tuple[str, str, str, str, int]


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
            "left_out": getattr(record, "left_out", 0),
            "trace": _trace(self, record),
        }
        return json.dumps({name: value for name, value in line.items() if value})


class ErrorBound(logging.Filter):
    """Lets sixty errors of a kind through in a minute, and counts the others.

    Whoever finds one request that ends in an unexpected error can send it again and again, and a
    trace has kilobytes. The next line of its kind says how many there were besides: `left_out`.
    """

    def __init__(self) -> None:
        """Begin with none."""
        super().__init__()
        self._lock: Final = threading.Lock()
        self._seen: Final[dict[Kind, tuple[float, int]]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a record is written."""
        if record.levelno < logging.ERROR:
            return True
        now, kind = record.created, _kind(record)
        with self._lock:
            since, seen = self._seen.get(kind, (now, 0))
            if not 0 <= now - since < MINUTE:
                record.left_out = max(0, seen - ERRORS_A_MINUTE)
                since, seen = now, 0
            self._seen[kind] = since, seen + 1
        return seen < ERRORS_A_MINUTE


def _kind(record: logging.LogRecord) -> Kind:
    """Return the message without its arguments, and the line that raised the exception."""
    raised, _, trace = record.exc_info or (None, None, None)
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    file, line = (trace.tb_frame.f_code.co_filename, trace.tb_lineno) if trace else ("", 0)
    return record.name, record.msg, raised.__name__ if raised else "", file, line


def _trace(lines: logging.Formatter, record: logging.LogRecord) -> str:
    """Return the trace; without its middle when a message in it repeats what was sent."""
    trace = lines.formatException(record.exc_info) if record.exc_info else ""
    if len(trace) <= MAX_TRACE:
        return trace
    return f"{trace[: MAX_TRACE // 2]}\n[...]\n{trace[-MAX_TRACE // 2 :]}"


def install() -> None:
    """Send the application's log to standard output, once."""
    logger = logging.getLogger(ROOT_LOGGER)
    if not logger.handlers:
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(Lines())
        handler.addFilter(ErrorBound())
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
