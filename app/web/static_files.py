"""Static files, of Latchkey and of features: public, and the only responses that may be stored.

A browser stores them and asks with their validator (`ETag`) whether they have changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from flask import Response, request

from app.web.guards import public

STORABLE: Final = "latchkey.storable"


def static_view(send: Callable[..., Any]) -> Callable[..., Response]:
    """Return a public view of the files that `send` sends; `headers` lets these be stored."""

    def view(filename: str) -> Response:
        response: Response = send(filename=filename)
        # Not before: an error, such as a missing file, must not be stored.
        request.environ[STORABLE] = True
        return response

    return public(view)
