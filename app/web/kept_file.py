"""A static file in memory, and its compressed forms."""

from __future__ import annotations

import hashlib
from typing import Final

from flask import Response

from app.web.encodings import COMPRESS, accepted, is_compressible

ETAG_DIGITS: Final = 16


class KeptFile:
    """A static file that was read once. Each form is compressed for the first request for it."""

    def __init__(self, content: bytes, mimetype: str) -> None:
        """Keep the content; nothing is compressed yet."""
        self.digest: Final = hashlib.sha256(content).hexdigest()
        self._content: Final = content
        self._mimetype: Final = mimetype
        self._etag: Final = self.digest[:ETAG_DIGITS]
        self._is_compressible: Final = is_compressible(mimetype)
        self._forms: Final[dict[str, bytes]] = {}

    def response(self, accept_encoding: str) -> Response:
        """Return the whole file in the form that suits a client's `Accept-Encoding` best.

        It is the file as it is where no accepted form is smaller, also for a client that refuses
        that (`identity;q=0`): RFC 9110, section 12.1, allows it, and nothing else could be sent.

        Each form has an ETag of its own, because a strong one names bytes (section 8.8.1).
        Otherwise a Range could continue one form with a part of another.
        """
        if not self._is_compressible:
            return self._as(self._content, self._etag)
        response = self._smaller(accept_encoding) or self._as(self._content, self._etag)
        response.headers["Vary"] = "Accept-Encoding"
        return response

    def _smaller(self, accept_encoding: str) -> Response | None:
        for coding in accepted(accept_encoding):
            form = self._form(coding)
            if len(form) < len(self._content):
                response = self._as(form, f"{self._etag}-{coding}")
                response.headers["Content-Encoding"] = coding
                return response
        return None

    def _as(self, body: bytes, etag: str) -> Response:
        response = Response(body, mimetype=self._mimetype)
        response.set_etag(etag)
        return response

    def _form(self, coding: str) -> bytes:
        if coding not in self._forms:
            self._forms[coding] = COMPRESS[coding](self._content)
        return self._forms[coding]
