"""Static files, of Latchkey and of features: public, and the only responses that may be stored.

`url_for` writes one version of all static folders into the address of each file, as a part of the
path: `/static/v-0123456789ab/js/session.js`. What a file names by a relative address, such as a
module that it imports, is therefore of the same version. That also holds between folders: the file
`/notes/static/view.js` is at `/static/v-0123456789ab/notes/static/view.js`.

- A browser stores the file at the address with the present version for a year, and does not ask.
- Without a version, or with another one, the present file is sent, which a browser stores and asks
  for with its validator (`ETag`). So a page of the release before finds its files.

In development the addresses have the same form, but each file is read when it is requested, and is
always asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from flask import Flask, Response, request, send_from_directory
from werkzeug.exceptions import PreconditionFailed
from werkzeug.routing import BaseConverter

from app.web.guards import public
from app.web.kept_file import KeptFile
from app.web.static_tree import VERSION_DIGITS, Files, read, stamp
from config import ROOT

STORABLE: Final = "latchkey.storable"
STATIC: Final = "/static/"
FILE: Final = "<path:filename>"
OF_DEVELOPMENT: Final = "v-000000000000"
IMMUTABLE: Final = "public, max-age=31536000, immutable"


class Version(BaseConverter):
    """The part of an address that is a version, of this release or of another one."""

    regex = f"v-[0-9a-f]{{{VERSION_DIGITS}}}"


def install(app: Flask, *, development: bool) -> None:
    """Serve `static/` and the static folders of the blueprints of `app`.

    Outside development this reads the files.

    Raises:
        OSError: when a file cannot be read.

    """
    # Not earlier: Flask's own route for this folder would answer OPTIONS.
    app.static_folder = str(ROOT / "static")
    app.url_map.converters["version"] = Version
    app.add_url_rule(STATIC + FILE, "static")
    folders = {"static": app.static_folder}
    folders |= {
        f"{name}.static": b.static_folder for name, b in app.blueprints.items() if b.static_folder
    }
    files_of, version = ({}, OF_DEVELOPMENT) if development else read(folders)
    for endpoint, folder in folders.items():
        app.view_functions[endpoint] = _view(folder, files_of.get(endpoint, {}), version)
        for rule in list(app.url_map.iter_rules(endpoint)):
            path = rule.rule.removeprefix(STATIC).removeprefix("/")
            app.add_url_rule(f"{STATIC}<version:version>/{path}", endpoint)

    def add_version(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint in folders:
            values.setdefault("version", version)

    app.url_defaults(add_version)


def _view(folder: str, files: Files, present: str) -> Callable[..., Response]:
    """Return the view of a folder. A file that is not in `files` is sent from the disk."""

    def view(filename: str, version: str | None = None) -> Response:
        file = files.get(filename)
        is_lasting = file is not None and version == present
        if isinstance(file, KeptFile):
            response = file.response(request.headers.get("Accept-Encoding", ""))
            length = response.content_length
            response.make_conditional(request, accept_ranges=True, complete_length=length)
        else:
            response = send_from_directory(folder, filename)
            is_lasting = is_lasting and file == stamp(Path(folder, filename))
        if response.status_code == PreconditionFailed.code:
            response.close()
            raise PreconditionFailed
        response.headers["Cache-Control"] = IMMUTABLE if is_lasting else "no-cache"
        # Not before: an error, such as a missing file, must not be stored.
        request.environ[STORABLE] = True
        return response

    return public(view)
