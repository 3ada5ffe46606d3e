"""A forked process that does one thing and says one thing."""

import os
import select
import signal
import time
from collections.abc import Callable, Collection
from contextlib import suppress

PART = 65536


class Child:
    """A fork at work; `answer` is what its act returned, or nothing when it died or was late."""

    def __init__(self, act: Callable[[], str], seconds: float) -> None:
        self.answer = ""
        self._deadline = time.monotonic() + seconds
        self._reading, writing = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            with suppress(BaseException):
                null = os.open(os.devnull, os.O_RDWR)
                for stream in range(3):
                    os.dup2(null, stream)
                said = act().encode()
                while said:
                    said = said[os.write(writing, said) :]
            os._exit(0)
        os.close(writing)

    def fileno(self) -> int:
        """Give what `select` waits for."""
        return self._reading

    def over(self, *, readable: bool) -> bool:
        """Read what it says; tell whether that was all, or its time is up."""
        part = os.read(self._reading, PART).decode() if readable else ""
        self.answer += part
        if part or not (readable or time.monotonic() > self._deadline):
            return False
        os.close(self._reading)
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        return True


def first_to_end(children: Collection[Child]) -> Child:
    """Wait for one of them to end."""
    while True:
        ready, _, _ = select.select(children, [], [], 1.0)
        for child in children:
            if child.over(readable=child in ready):
                return child
