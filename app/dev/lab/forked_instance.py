"""Weakened instances that are forked from one process, which has imported the application.

An instance then starts in a tenth of a second. The process is started with the first one, and
ends with the process that started it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from subprocess import TimeoutExpired
from typing import IO, Final

from app.dev.lab.instance_process import serve

# Below the server that started it, whose answers are timed by attacks meanwhile.
NICE: Final = 5

_fork: Final = get_context("forkserver")
_fork.set_forkserver_preload([__name__])


class ForkedInstance:
    """A weakened instance for which `weakened_instance` need not start another Python.

    It has what that uses of `subprocess.Popen`.
    """

    def __init__(
        self, command: Sequence[str], *, env: Mapping[str, str], **_options: object
    ) -> None:
        """Start the instance that the last word of `command` names, with the environment `env`."""
        end, self._input = _fork.Pipe(duplex=False)
        output, to_output = _fork.Pipe(duplex=False)
        self.stdout: IO[str] = os.fdopen(os.dup(output.fileno()), encoding="utf-8")
        self._process = _fork.Process(
            target=_serve, args=(command[-1], dict(env), end, to_output), daemon=True
        )
        self._process.start()
        end.close()
        to_output.close()
        output.close()

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Close the input of the instance, and return no output and what went wrong at its end.

        Raises:
            TimeoutExpired: when it has not ended after `timeout` seconds.

        """
        self._input.close()
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise TimeoutExpired(str(self._process.pid), timeout or 0)
        self.stdout.close()
        return "", f"it ended with {self._process.exitcode}" if self._process.exitcode else ""

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()


def _serve(name: str, environment: dict[str, str], end: Connection, output: Connection) -> None:
    os.nice(NICE)
    os.environ.clear()
    os.environ.update(environment)
    os.dup2(end.fileno(), 0)
    os.dup2(output.fileno(), 1)
    sys.stdin = os.fdopen(0, closefd=False)  # multiprocessing opened another
    serve(name)
