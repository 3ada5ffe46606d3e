"""What every server of the tests has in common: it starts, answers, and stops."""

import signal
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Self

from tests.support.processes import Process, end, spawn, wait_until


class Server:
    """A server that runs for the length of a `with`."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def start(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        raise NotImplementedError


class ServerProcess(Server):
    _process: Process | None = None

    def answers(self) -> bool:
        raise NotImplementedError

    def launch(self, command: Sequence[object], log: Path, **options: Any) -> None:  # noqa: ANN401 - Popen's own
        """Start the process, which writes to `log`, and wait until it answers."""
        with log.open("ab") as file:
            self._process = spawn(
                [str(word) for word in command], stdout=file, stderr=file, **options
            )
        self.wait_until_it_answers(log)

    def wait_until_it_answers(self, log: Path) -> None:
        """Wait until the process answers.

        Raises:
            RuntimeError: when it ends instead; the message has the log.

        """
        name = type(self).__name__
        try:
            wait_until(lambda: self.has_ended() or self.answers(), what=name)
        finally:
            if self.has_ended():
                raise RuntimeError(f"{name} did not start:\n{log.read_text(encoding='utf-8')}")

    def has_ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def stop(self) -> None:
        self.end()

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the process by a signal, and kill it when it goes on."""
        if self._process:
            end(self._process, how)
            self._process = None


def answers(port: int, path: str = "/readyz") -> bool:
    link = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        link.request("GET", path)
        return link.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        link.close()
