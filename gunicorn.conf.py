"""How gunicorn serves Latchkey. gunicorn finds this file by its name.

The master reads it, and again at each reload (SIGHUP). It imports neither `app` nor `config`:
what the master has imported, every worker that it forks later has too, and a reload would serve
the old code in silence. A bad environment is one report and exit status 1, instead of a traceback
from each worker.
"""

from __future__ import annotations

import errno
import json
import logging
import mmap
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gunicorn import glogging, systemd
from gunicorn.workers import base

if TYPE_CHECKING:
    from types import FrameType

    from gunicorn.arbiter import Arbiter
    from gunicorn.config import Config

ROOT = Path(__file__).resolve().parent
STOP_SECONDS = 15
MAX_REPORT_LENGTH = 4000
ABSENT = 2**31 - 1  # more connections than any worker has


def read_settings() -> dict[str, Any]:
    """Return the settings that concern gunicorn; a process of its own checks all of them."""
    done = subprocess.run(
        [sys.executable, "-m", "config"], cwd=ROOT, stdout=subprocess.PIPE, check=False
    )
    if done.returncode:
        sys.exit(done.returncode)  # the report is on standard error
    settings: dict[str, Any] = json.loads(done.stdout)
    return settings


latchkey = read_settings()
development = latchkey["env"] == "development"


class Worker(base.Worker):
    """A worker whose loop is in app/server: the master names it without importing that."""

    # How many connections each worker has, for all to see. A reload makes another table.
    loads = memoryview(mmap.mmap(-1, 64 * 4)).cast("i")
    quits = False

    def __init__(self, *args: Any) -> None:  # noqa: ANN401 - gunicorn's own
        """Choose a place in `loads`."""
        super().__init__(*args)
        self.place = self.age % len(self.loads)

    def run(self) -> None:
        """Serve until a signal says to stop."""
        from app.server.loop import Server  # noqa: PLC0415 - the master must not import it

        Server(self).run()

    def handle_quit(self, _signal: int, _frame: FrameType | None) -> None:
        """Stop at once; gunicorn's own handler ends the process in the middle of anything."""
        self.alive, self.quits = False, True


for place in range(len(Worker.loads)):
    Worker.loads[place] = ABSENT


class Line(logging.Formatter):
    """Writes a record as one line of JSON, as app/infra/logs.py does for the application."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; what a client sent is escaped inside it."""
        line = {
            "ts": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "pid": record.process,
            "trace": self.formatException(record.exc_info) if record.exc_info else "",
        }
        return json.dumps({name: value for name, value in line.items() if value})


class Logger(glogging.Logger):
    """gunicorn's logger: lines of JSON, but for people in development."""

    def setup(self, cfg: Config) -> None:
        """Let gunicorn open its streams, and choose the form of the lines."""
        super().setup(cfg)
        if not development:
            for handler in (*self.error_log.handlers, *self.access_log.handlers):
                handler.setFormatter(Line())


logger_class = Logger
bind = (
    f"[{latchkey['host']}]:{latchkey['port']}"
    if ":" in latchkey["host"]
    else f"{latchkey['host']}:{latchkey['port']}"
)
proc_name = "latchkey"

# Threads, because a request mostly waits for the database or for Argon2, which releases the GIL.
workers = latchkey["workers"]
worker_class = Worker
threads = latchkey["threads"]
# Answers go out in the server's own loop, which no slow client holds up; see app/server.
sendfile = False
# The heartbeat must not wait for a disk.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - kernel memory, not a shared folder

timeout = 30
# Whoever pressed Ctrl-C is waiting; behind a proxy, requests are let finish.
graceful_timeout = 5 if development else 30
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
loglevel = "warning" if development else "info"
control_socket_disable = True


def on_starting(server: Arbiter) -> None:
    """Start what development bundles, refuse a taken port, and check each reload beforehand.

    What was started hangs on the arbiter, since a reload reads this file anew.
    """
    os.umask(0o077)
    if server.cfg.is_ssl:
        sys.exit("Latchkey speaks no TLS: let a proxy end it, and unset certfile and keyfile.")
    # gunicorn would start itself again by the path of its __main__.py, from where its own modules
    # are found before the standard library's.
    server.START_CTX["args"] = [sys.executable, "-m", "gunicorn", *sys.argv[1:]]
    server.latchkey = start_bundled() if development else None
    refuse_taken_port()
    warn_of_open_host()
    reload_after_check(server)


def start_bundled() -> subprocess.Popen[bytes]:
    """Start app/dev/bundled.py; it ends when the last end of its standard input is closed."""
    bundled = subprocess.Popen(
        [sys.executable, "-m", "app.dev.bundled"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for gunicorn, whose workers still need Valkey
    )
    try:
        ready = bundled.stdout.readline()  # type: ignore[union-attr]  # it is a pipe
    except KeyboardInterrupt:
        stop_bundled(bundled)
        sys.exit(130)
    if not ready:
        sys.exit(bundled.wait() or 1)  # the reason is on standard error
    return bundled


def stop_bundled(bundled: subprocess.Popen[bytes]) -> None:
    """Tell app/dev/bundled.py to stop, and wait until it has."""
    bundled.stdin.close()  # type: ignore[union-attr]  # it is a pipe
    bundled.wait(STOP_SECONDS)


def refuse_taken_port() -> None:
    """Say in one sentence that the address cannot be had, where gunicorn tries for five seconds.

    A socket that systemd or a former master hands over is taken for a good reason.
    """
    if "GUNICORN_FD" in os.environ or systemd.listen_fds(unset_environment=False):
        return
    family = socket.AF_INET6 if ":" in latchkey["host"] else socket.AF_INET
    try:
        socket.getaddrinfo(latchkey["host"], latchkey["port"])
        socket.create_server((latchkey["host"], latchkey["port"]), family=family).close()
    except OSError as fault:
        sys.exit(f"Latchkey cannot listen on {bind} ({fault.strerror}): {way_out(fault)}.")


def way_out(fault: OSError) -> str:
    """Say what to do when the address cannot be had."""
    if isinstance(fault, socket.gaierror) or fault.errno == errno.EADDRNOTAVAIL:
        return "HOST is no address of this machine; leave it out, or use 127.0.0.1"
    if fault.errno == errno.EACCES:
        return "ports below 1024 need rights; choose another one, as in PORT=8000 make run"
    another = latchkey["port"] % 65535 + 1
    return f"stop what uses that port, or choose another one, as in PORT={another} make run"


def warn_of_open_host() -> None:
    """Tell whoever lets other machines in that the pages do not work for them yet."""
    if latchkey["public_url"].startswith("http:") and not latchkey["this_machine"]:
        print(  # noqa: T201 - for whoever typed it
            f"HOST={latchkey['host']} lets other machines in, but the pages work under "
            f"{latchkey['public_url']} alone: for others, set PUBLIC_URL to an https address "
            "that leads here.",
            file=sys.stderr,
        )


def reload_after_check(server: Arbiter) -> None:
    """Have SIGHUP load everything in a process of its own first.

    gunicorn ends the master when this file exits, and when a new worker cannot load the
    application. A reload that cannot work must leave the old workers serving.
    """
    reload = server.handle_hup

    def handle_hup() -> None:
        checked = subprocess.run(  # noqa: S603 - what this process was started with
            [*server.START_CTX["args"], "--check-config"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if checked.returncode:
            report = checked.stderr.strip()
            if "Traceback" in report:
                report = report.splitlines()[-1]
            server.log.error(
                "Not reloaded, the old code serves on: %s", report[-MAX_REPORT_LENGTH:]
            )
        else:
            reload()

    server.handle_hup = handle_hup


def post_worker_init(worker: Worker) -> None:
    """Say where Latchkey is, once the first worker listens and has the app."""
    if worker.age == 1:
        ready = f"Latchkey is ready at {latchkey['public_url']}"
        if development:
            print(ready, flush=True)  # noqa: T201
        else:
            logging.getLogger("latchkey").info(ready)


def child_exit(_server: Arbiter, worker: Worker) -> None:
    """Have no worker wait for one that is gone, however it went."""
    worker.loads[worker.place] = ABSENT


def on_exit(server: Arbiter) -> None:
    """Stop what `on_starting` started; the workers are gone by now."""
    if server.latchkey:
        stop_bundled(server.latchkey)
