"""The configuration of gunicorn, which finds this file by its name.

The master process executes this file when it starts and at each reload (SIGHUP). It must import
neither `app` nor `config`: workers inherit what the master has imported, so after a reload they
would run the old code. A bad environment ends in one report and exit status 1, instead of a
traceback from each worker.
"""

from __future__ import annotations

import errno
import json
import logging
import mmap
import os
import re
import socket
import subprocess
import sys
import time
import traceback
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
PAUSE_SECONDS = 0.2
ABSENT = 2**31 - 1  # an unused entry in `Worker.loads`; more connections than any worker has


def read_settings() -> dict[str, Any]:
    """Return the settings that concern gunicorn, from a child process that checks all settings.

    When a setting is wrong, this process exits with the child's status and report.
    """
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
    """A worker that runs the event loop of app/server, without the master importing it."""

    # The number of connections of each worker, in memory that all workers share. Each reload
    # creates a new table.
    loads = memoryview(mmap.mmap(-1, 64 * 4)).cast("i")
    quits = False

    def __init__(self, *args: Any) -> None:  # noqa: ANN401 - the arguments of gunicorn's class
        """Choose an entry of `loads` by the number that gunicorn gives each worker."""
        super().__init__(*args)
        self.place = self.age % len(self.loads)

    def run(self) -> None:
        """Serve, and send mail in a thread, until a signal stops the worker."""
        from app.server.loop import Server  # noqa: PLC0415 - the master must not import it

        with self.wsgi.extensions["latchkey"].sending():  # type: ignore[attr-defined]  # a Flask
            Server(self).run()

    def load_wsgi(self) -> None:
        """Load the application; in development, wait for the next reload when that fails.

        gunicorn would stop the master. The code may have changed since `reload_after_check`
        checked it. The first workers do not wait: a server that cannot load the code does not
        start.
        """
        try:
            super().load_wsgi()  # type: ignore[no-untyped-call]
        except (Exception, SystemExit) as fault:
            if not development or self.age <= self.cfg.workers:
                raise
            exits = isinstance(fault, SystemExit)  # with a report, as wsgi.py does
            report = str(fault) if exits else "".join(traceback.format_exception(fault))
            line = summary(report)
            self.log.error("A new worker waits until the code is mended: %s", line)  # noqa: TRY400 - no traceback
            self.wait()

    def wait(self) -> None:
        """Wait until the master stops this worker, or ends."""
        while self.alive and self.ppid == os.getppid():
            self.notify()
            time.sleep(PAUSE_SECONDS)
        sys.exit()

    def handle_quit(self, _signal: int, _frame: FrameType | None) -> None:
        """End the loop at once. gunicorn's handler would exit in the middle of an operation."""
        self.alive, self.quits = False, True


for place in range(len(Worker.loads)):
    Worker.loads[place] = ABSENT


class Line(logging.Formatter):
    """Formats a record as one line of JSON, as app/infra/logs.py does for the application."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with line breaks and control characters escaped."""
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
    """gunicorn's logger, with JSON lines except in development."""

    def setup(self, cfg: Config) -> None:
        """Let gunicorn open its streams, then set the format of the lines."""
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
# sendfile would bypass the event loop of app/server and wait for slow clients.
sendfile = False
# In memory, so that the heartbeat of a worker never waits for a disk.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - kernel memory, not a shared folder

timeout = 30
# In seconds. In development a person waits after Ctrl-C; in production requests may finish.
graceful_timeout = 5 if development else 30
# In seconds; longer than a proxy keeps its side open (usually 60), so that the proxy closes first
# and never sends a request on a connection that is being closed.
keepalive = 65

limit_request_line = 4094
limit_request_fields = 64
limit_request_field_size = 8190

# Only the application evaluates `X-Forwarded-*`, as TRUSTED_PROXIES says. By default gunicorn
# trusts these headers from any client on this host, and lets it replace the path with a header
# named PATH_INFO.
forwarded_allow_ips = ""
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}

# The application writes an audit record. An operator can switch this access log on; its format
# has no query string, Referer or other header, because each of them may contain a credential.
accesslog = None
access_log_format = '%(h)s %(t)s "%(m)s %(U)s %(H)s" %(s)s %(B)s %(D)s'
loglevel = "warning" if development else "info"
control_socket_disable = True


def on_starting(server: Arbiter) -> None:
    """Prepare the master: start the bundled Valkey, check the port, and check before reloads.

    The bundled process is stored on the arbiter, because a reload executes this file again.
    """
    os.umask(0o077)
    if server.cfg.is_ssl:
        sys.exit("Latchkey does not support TLS. Let a proxy do it; unset certfile and keyfile.")
    # gunicorn would restart itself by the path of its __main__.py. With that path, modules of
    # gunicorn would shadow modules of the standard library.
    server.START_CTX["args"] = [sys.executable, "-m", "gunicorn", *sys.argv[1:]]
    server.latchkey = start_bundled() if development else None
    refuse_taken_port()
    warn_of_open_host()
    reload_after_check(server)


def start_bundled() -> subprocess.Popen[bytes]:
    """Start app/dev/bundled.py and wait until it is ready.

    It stops when the master closes its standard input, or dies. When it cannot start, this
    process exits with its status.
    """
    bundled = subprocess.Popen(
        [sys.executable, "-m", "app.dev.bundled"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C must not stop Valkey before gunicorn's workers
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
    """Stop app/dev/bundled.py by closing its standard input; wait until it has ended."""
    bundled.stdin.close()  # type: ignore[union-attr]  # it is a pipe
    bundled.wait(STOP_SECONDS)


def refuse_taken_port() -> None:
    """Exit with a message when the address cannot be used; gunicorn would retry for 5 seconds.

    A socket that systemd or a former master hands over is in use already and is not checked.
    """
    if "GUNICORN_FD" in os.environ or systemd.listen_fds(unset_environment=False):
        return
    family = socket.AF_INET6 if ":" in latchkey["host"] else socket.AF_INET
    try:
        socket.getaddrinfo(latchkey["host"], latchkey["port"])
        socket.create_server((latchkey["host"], latchkey["port"]), family=family).close()
    except OSError as fault:
        sys.exit(f"Latchkey cannot listen on {bind} ({fault.strerror}): {remedy(fault)}.")


def remedy(fault: OSError) -> str:
    """Return what to do when the address cannot be used."""
    if isinstance(fault, socket.gaierror) or fault.errno == errno.EADDRNOTAVAIL:
        return "HOST is not an address of this machine; leave it out, or use 127.0.0.1"
    if fault.errno == errno.EACCES:
        return "ports below 1024 need rights; choose another port, as in PORT=8000 make run"
    another = latchkey["port"] % 65535 + 1
    return f"stop what uses that port, or choose another port, as in PORT={another} make run"


def warn_of_open_host() -> None:
    """Warn that other machines can connect, but that the pages do not work for them."""
    if latchkey["public_url"].startswith("http:") and not latchkey["this_machine"]:
        print(  # noqa: T201 - a message for the person at the terminal
            f"HOST={latchkey['host']} lets other machines connect, but the pages work only at "
            f"{latchkey['public_url']}. For others, set PUBLIC_URL to an https address that leads "
            "here.",
            file=sys.stderr,
        )


def reload_after_check(server: Arbiter) -> None:
    """Let SIGHUP load the new code and settings in a child process first.

    gunicorn stops the master when this file exits or when a new worker cannot load the
    application. When the child process fails, its report is logged and the old workers continue.
    """
    reload = server.handle_hup

    def handle_hup() -> None:
        checked = subprocess.run(  # noqa: S603 - the command that this process was started with
            [*server.START_CTX["args"], "--check-config"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if checked.returncode:
            server.log.error(
                "Not reloaded; running workers keep the old code: %s", summary(checked.stderr)
            )
        else:
            reload()

    server.handle_hup = handle_hup


def summary(report: str) -> str:
    """Return a report without a traceback, or the last line of the traceback and where it is.

    That is the last of our own files that it names; a package may have raised the error.
    """
    report = report.strip()
    if "Traceback" in report:
        files = re.findall(r'File "(/.+)", line (\d+)', report)
        own = [
            f" ({path.relative_to(ROOT)}, line {line})"
            for path, line in ((Path(file).resolve(), line) for file, line in files)
            if path.is_relative_to(ROOT) and "site-packages" not in path.parts
        ]
        report = "".join([report.splitlines()[-1], *own[-1:]])
    return report[-MAX_REPORT_LENGTH:]


def post_worker_init(worker: Worker) -> None:
    """Print or log the address when the first worker has loaded the application."""
    if worker.age == 1:
        ready = f"Latchkey is ready at {latchkey['public_url']}"
        if development:
            print(ready, flush=True)  # noqa: T201
        else:
            logging.getLogger("latchkey").info(ready)


def child_exit(_server: Arbiter, worker: Worker) -> None:
    """Remove a worker that ended, in whatever way, from `loads`: no other waits for it then."""
    worker.loads[worker.place] = ABSENT


def on_exit(server: Arbiter) -> None:
    """Stop the process that `on_starting` started; all workers have ended."""
    if server.latchkey:
        stop_bundled(server.latchkey)
