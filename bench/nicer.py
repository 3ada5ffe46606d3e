"""The app with another priority for its hashing thread, which gunicorn serves for the flood."""

from __future__ import annotations

import os

from app.accounts import hash_queue

hash_queue.NICENESS = int(os.environ["BENCH_NICENESS"])  # type: ignore[misc]

from wsgi import app  # noqa: E402, F401 - gunicorn's; after the change
