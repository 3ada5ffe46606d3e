"""How gunicorn serves Latchkey. gunicorn finds this file by its name.

The settings are read once here, in the master and before anything is started, so that a bad
environment is one report and exit status 1 instead of a traceback from each worker.
"""

from __future__ import annotations

import errno
import os
import signal
import socket
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from config import THREADS, Settings, SettingsError, is_this_machine

if TYPE_CHECKING:
    from gunicorn.arbiter import Arbiter
    from gunicorn.workers.base import Worker

try:
    latchkey = Settings.from_env()
except SettingsError as error:
    sys.exit(str(error))

bind = (
    f"[{latchkey.host}]:{latchkey.port}"
    if ":" in latchkey.host
    else f"{latchkey.host}:{latchkey.port}"
)
proc_name = "latchkey"

# Threads, because a request mostly waits for the database or for Argon2, which releases the GIL.
workers = latchkey.workers
worker_class = "app.server.Worker"
threads = THREADS
# Each worker has its own listening socket; with a shared one, a worker can take every connection.
reuse_port = True
# The heartbeat must not wait for a disk.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - kernel memory, not a shared folder

timeout = 30
# Whoever pressed Ctrl-C is waiting; behind a proxy, requests are let finish.
graceful_timeout = 5 if latchkey.env == "development" else 30
# Longer than a proxy keeps its side open (60 s as a rule): the proxy must be the one to close.
keepalive = 65

limit_request_line = 4094
limit_request_fields = 64
limit_request_field_size = 8190

# `X-Forwarded-*` is believed by TRUSTED_PROXIES alone. Left at its defaults, gunicorn believes any
# client on this machine, and even lets it replace the path with a header named PATH_INFO.
forwarded_allow_ips = ""
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}

# The app logs its own security events; switched on, the access log has no query string, no
# Referer and no header, because each of them can carry a credential.
accesslog = None
access_log_format = '%(h)s %(t)s "%(m)s %(U)s %(H)s" %(s)s %(B)s %(D)s'
loglevel = "warning" if latchkey.env == "development" else "info"
control_socket_disable = True


def on_starting(server: Arbiter) -> None:
    """Start what development bundles, and refuse a taken port.

    gunicorn cannot refuse it: sockets that share a port by `reuse_port` let a second server of
    the same user in without a word. What was started hangs on the arbiter, since a reload
    reads this file anew.
    """
    os.umask(0o077)
    # Imported by the master, the code is in memory once and a worker starts at once.
    from app import embedded  # noqa: PLC0415 - after the settings, which it would only delay

    with ExitStack() as started:
        try:
            if latchkey.env == "development":
                started.callback(embedded.start(latchkey).stop)
            _refuse_taken_port()
        except embedded.EmbeddedError as fault:
            sys.exit(str(fault))
        except KeyboardInterrupt:
            sys.exit(130)
        server.latchkey = started.pop_all()  # type: ignore[attr-defined]


def _refuse_taken_port() -> None:
    family = socket.AF_INET6 if ":" in latchkey.host else socket.AF_INET
    try:
        socket.getaddrinfo(latchkey.host, latchkey.port)
        socket.create_server((latchkey.host, latchkey.port), family=family).close()
    except OSError as fault:
        sys.exit(f"Latchkey cannot listen on {bind} ({fault.strerror}): {_way_out(fault)}.")
    if latchkey.public_url.startswith("http:") and not is_this_machine(latchkey.host):
        print(  # noqa: T201 - for whoever typed it
            f"HOST={latchkey.host} lets other machines in, but the pages work under "
            f"{latchkey.public_url} alone: for others, set PUBLIC_URL to an https address "
            "that leads here.",
            file=sys.stderr,
        )


def _way_out(fault: OSError) -> str:
    """Say what to do when the address cannot be had."""
    if isinstance(fault, socket.gaierror) or fault.errno == errno.EADDRNOTAVAIL:
        return "HOST is no address of this machine; leave it out, or use 127.0.0.1"
    if fault.errno == errno.EACCES:
        return "ports below 1024 need rights; choose another one, as in PORT=8000 make run"
    another = latchkey.port % 65535 + 1
    return f"stop what uses that port, or choose another one, as in PORT={another} make run"


def post_fork(_server: Arbiter, _worker: Worker) -> None:
    """Leave Ctrl-C to the master, which then tells the workers.

    The terminal sends it to all of them, and a threaded worker that gets both it and the
    master's signal hangs: gunicorn's handler takes the thread pool's lock a second time.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def post_worker_init(worker: Worker) -> None:
    """Say where Latchkey is, once the first worker listens and has the app."""
    if worker.age == 1:
        print(f"Latchkey is ready at {latchkey.public_url}", flush=True)  # noqa: T201


def on_exit(server: Arbiter) -> None:
    """Stop what `on_starting` started; the workers are gone by now."""
    server.latchkey.close()  # type: ignore[attr-defined]
