"""`/auth/export` and `/auth/account`: take along all that is kept about oneself, or delete it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import IO, Annotated, Final

from flask import Blueprint, Response

from app.auth.deletion import delete_account
from app.auth.export import export
from app.errors import Busy, DeletionBlocked, ExportFailed, TooManyAttempts
from app.infra.clock import rfc3339
from app.services import services
from app.web import cookies
from app.web.client import client
from app.web.export_views import VIEWS, Export
from app.web.guards import caller, require_access
from app.web.json_endpoint import Success, json_endpoint
from app.web.step_up import RECENT_SECONDS
from app.web.token_responses import LoggedOut, logged_out

blueprint: Final = Blueprint("data", __name__, url_prefix="/auth")

PART_BYTES: Final = 1 << 16
JsonFile = Annotated[Response, Success(200, Export, ("Content-Disposition",))]


@blueprint.get("/export")
@require_access(max_age=RECENT_SECONDS)
@json_endpoint(refuses=(TooManyAttempts, Busy, ExportFailed))
def get_export() -> JsonFile:
    """Download all that is kept about the caller, as one file.

    It has no token, hash or key. The log, which names people by a random id alone, and counters
    that end within a day are not in it. The activity tells of it afterwards.
    """
    file = export(services().auth, caller().user_id, caller().sid, client(), VIEWS)
    day = rfc3339(services().clock.now())[:10]
    response = Response(_parts(file), content_type="application/json")
    response.content_length = _size(file)
    response.headers["Content-Disposition"] = f'attachment; filename="your-data-{day}.json"'
    response.call_on_close(file.close)  # also when nobody reads it: after HEAD
    return response


def _size(file: IO[bytes]) -> int:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    return size


def _parts(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while part := file.read(PART_BYTES):
            yield part


@blueprint.delete("/account")
@require_access(max_age=RECENT_SECONDS)
@json_endpoint(refuses=(DeletionBlocked,))
def delete_own_account() -> LoggedOut:
    """Delete the caller's account, with all that is kept about them.

    Every session ends and every access token is refused at once. A last message confirms it. The
    address may open an account again, which shares nothing with this one.
    """
    delete_account(services().auth, caller().user_id, caller().sid, client())
    response = logged_out(Response(status=204))
    cookies.clear_device(response)
    return response
