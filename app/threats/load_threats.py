"""What can be tried against the server's time and memory."""

from __future__ import annotations

from typing import Final

from app.threats.entry import Entry

LOAD_THREATS: Final = (
    Entry(
        slug="hashing-floods",
        name="Hashing floods",
        short="Hash flood",
        stopped_by="One hash at a time",
        remains="Strangers wait out a flood",
        attack="Strangers make the server hash: many log-ins at once, or passwords of a megabyte, "
        "until nothing is left for others.",
        needs="A connection.",
        defense="One hash at a time in each worker, at a lower priority than requests, and a "
        "short queue with 503 at once beyond. One network alone gets half of its places, networks "
        "take turns, and known browsers have places and turns of their own. Right passwords are "
        "counted as well; bodies and passwords have a length.",
        detail="app/accounts/hash_queue.py: eight open places a worker, four more for known "
        "browsers; app/infra/throttle.py: 30 log-ins a minute of an account, 300 of an address.",
        code=(
            "app/accounts/hash_queue.py:HashQueue",
            "app/accounts/password_policy.py:MAX_PASSWORD_BYTES",
            "config.py:BODY_BYTES",
        ),
        gap="A flood from many networks keeps strangers from logging in. Known browsers go on, "
        "unless it also has some forty accounts of its own for each worker; those who are logged "
        "in go on in any case.",
        standards=("ASVS 2.4.1", "ASVS 15.1.3", "ASVS 15.2.2"),
        proofs=("tests/unit/accounts/test_hash_queue.py", "tests/servers/test_throttle_flood.py"),
        line=("self._waiting[place.known].setdefault(network, deque()).append((future, job))",),
        without=("return job()  # at once, beside all the others",),
        steps=(
            ("thief", "server", "many log-ins at once", "thief"),
            ("server", "server", "one hash at a time, a short queue", "safe"),
            ("server", "thief", "503 for the rest, at once", "safe"),
            ("owner", "server", "a request with a token", "live"),
            ("server", "owner", "200: it needs no hash", "safe"),
        ),
    ),
    Entry(
        slug="slow-requests",
        name="Requests that never end",
        short="Slow requests",
        stopped_by="Threads get whole requests",
        remains="Slow lines in large floods",
        attack="Heads and bodies arrive a byte at a time and never become whole (slowloris, "
        "R-U-Dead-Yet). Each holds a thread of a server that reads in its threads, until none is "
        "left.",
        needs="A few dozen connections.",
        defense="Threads get whole requests only. What is unfinished waits in one event loop, for "
        "15 s at most whatever arrives, and its number is bounded: the network with most of it "
        "makes room first.",
        detail="app/server/loop.py is gunicorn's worker here; app/server/groups.py has the "
        "deadlines and bounds. docs/operations.md has a proxy buffer requests besides.",
        code=(
            "app/server/table.py:ConnectionTable",
            "app/server/loop.py:Server",
            "app/server/table.py:READ_SECONDS",
            "app/server/groups.py:Group.surplus",
        ),
        gap="Slow connections from more networks than a worker has places for unfinished requests "
        "push out honest ones on slow lines.",
        standards=("ASVS 15.2.2", "RFC 9112 9.5"),
        proofs=("tests/servers/test_slow_clients.py", "tests/unit/server/test_connections.py"),
        line=("self.reading: Final = Group(READ_SECONDS, MAX_READING)",),
        without=("connection.sock.settimeout(None)  # a thread waits for each",),
        steps=(
            ("thief", "server", "sends a head, a byte at a time", "thief"),
            ("server", "server", "waits in one loop, in no thread", "safe"),
            ("owner", "server", "a whole request", "live"),
            ("server", "owner", "200", "safe"),
            ("server", "thief", "after 15 s: the end", "safe"),
        ),
    ),
    Entry(
        slug="costly-texts",
        name="Texts that cost seconds",
        short="Costly texts",
        stopped_by="Lengths before costly steps",
        remains="Nothing known",
        attack="An address or a password of 60 kB, chosen so that bringing it into one form takes "
        "seconds during which the worker does nothing else.",
        needs="A connection.",
        defense="A length in characters comes before every step that takes more than linear "
        "time: 320 for an address, 1,024 for a password, 64 for the strength estimate.",
        detail="app/accounts/emails.py and app/accounts/password_policy.py measure before they "
        "normalise, and so does app/web/bodies.py.",
        code=(
            "app/accounts/emails.py:normalize_email",
            "app/accounts/emails.py:MAX_TYPED",
            "app/accounts/password_policy.py:MAX_CODE_POINTS",
        ),
        gap="Nothing known; docs/limits.md has the worst case of each step.",
        standards=("ASVS 15.2.2", "ASVS 2.2.1"),
        proofs=("tests/unit/accounts/test_emails.py", "tests/unit/accounts/test_passwords.py"),
        line=(
            "if len(text) > MAX_TYPED:",
            '    raise InvalidRequest(TOO_LONG, reason="email")',
        ),
        without=('bare = unicodedata.normalize("NFKC", text)  # however long',),
        steps=(
            ("thief", "server", "an address of 60 kB", "thief"),
            ("server", "server", "more than 320 characters", "safe"),
            ("server", "thief", "400, before anything is normalized", "safe"),
            ("owner", "server", "any other request", "live"),
            ("server", "owner", "nobody waits", "safe"),
        ),
    ),
)
