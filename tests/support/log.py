"""Collects what a logger is told."""

import io
import json
import logging
from typing import Any


class Log(logging.Handler):
    def __init__(self, name: str) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []
        self._logger = logging.getLogger(name)
        self._before = self._logger.level
        self._logger.setLevel(logging.INFO)
        self._logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def lines(self) -> list[str]:
        return [record.getMessage() for record in self.records]

    def shut(self) -> None:
        self._logger.removeHandler(self)
        self._logger.setLevel(self._before)


def records(log: io.StringIO, event: str = "") -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    return [line for line in lines if event in {"", line.get("event")}]
