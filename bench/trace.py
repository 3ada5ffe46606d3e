"""Which functions of the application one warm request runs through, by file."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, Final

from app import create_app
from app.web.cookies import REFRESH
from bench.sessions import log_in
from config import ROOT, Settings

APP: Final = str(ROOT / "app")
WARM_UP: Final = 3


def run(settings: Settings) -> None:
    """Print the functions of `POST /auth/refresh` and of a guarded `GET`."""
    app = create_app(settings)
    pair = log_in(app)
    client = app.test_client(use_cookies=True)
    client.set_cookie(REFRESH, pair.refresh_token, domain="localhost", secure=True)
    headers = {"Authorization": f"Bearer {pair.access_token}"}
    url = settings.public_url

    def refresh() -> int:
        return client.post("/auth/refresh", base_url=url).status_code

    def me() -> int:
        return client.get("/api/me", base_url=url, headers=headers).status_code

    print_trace("POST /auth/refresh", refresh)
    print_trace("GET /api/me", me)


def print_trace(name: str, request: Callable[[], int]) -> None:
    """Print how many functions in how many files `request` runs through, and which."""
    status = [request() for _ in range(WARM_UP)][-1]
    seen = functions_of(request)
    files = Counter(path for path, _ in seen)
    print(f"{name}: {len(seen)} functions in {len(files)} files (status {status})")
    for path in files:
        names = ", ".join(function for file, function in seen if file == path)
        print(f"  {path}: {names}")


def functions_of(act: Callable[[], object]) -> list[tuple[str, str]]:
    """Return the file and name of each named function of `app` that `act` calls, in order."""
    seen: dict[tuple[str, str], None] = {}

    def profile(frame: FrameType, event: str, _arg: Any) -> None:  # noqa: ANN401 - Python's own
        code = frame.f_code
        named = not code.co_name.startswith("<")  # comprehensions and lambdas have no name
        if event == "call" and named and code.co_filename.startswith(APP):
            path = str(Path(code.co_filename).relative_to(ROOT))
            seen.setdefault((path, code.co_qualname))

    sys.setprofile(profile)
    try:
        act()
    finally:
        sys.setprofile(None)
    return list(seen)
