"""Protect the forms of `app.pages` against CSRF, in addition to the origin check.

Flask-WTF puts a token into each form and into Flask's session, which holds nothing else.
"""

from __future__ import annotations

import hashlib
from typing import Final

from flask import Flask, Request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_wtf import CSRFProtect

from app.web import cookies

FORM_SECONDS: Final = 3600

csrf: Final = CSRFProtect()

# Paths that scripts and programs request, and no person by navigation: they have no forms, and
# their refusals are JSON.
PROGRAMS: Final = ("/api/", "/auth/", "/fragments/", "/healthz", "/readyz", "/openapi.json")
WITHOUT_FORMS: Final = (*PROGRAMS, "/static/")


class FormSessions(SecureCookieSessionInterface):
    """Flask's session, opened only for requests that may send or show a form.

    Reading it would cost time in each API request. The Authorization header tells nothing: behind
    a proxy that asks for a password (Basic), a browser sends it with each navigation.
    """

    digest_method = staticmethod(hashlib.sha256)

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Return the session of a page; None for other paths.

        When the request has two session cookies, the session is empty: one of them may be from
        another site, which would know its form token.
        """
        if request.path.startswith(WITHOUT_FORMS):
            return None
        if cookies.has_two_forms(request):
            return self.session_class()
        return super().open_session(app, request)


def install(app: Flask) -> None:
    """Protect forms, and give Flask's session the attributes of the refresh cookie."""
    app.request_class = cookies.CookieRequest
    app.session_interface = FormSessions()
    app.config.update(
        SESSION_COOKIE_NAME=cookies.FORM,
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        SESSION_COOKIE_PATH="/",
        SESSION_COOKIE_DOMAIN=None,
        WTF_CSRF_TIME_LIMIT=FORM_SECONDS,
        # The pages check each form themselves; the API has no forms, and the origin check.
        WTF_CSRF_CHECK_DEFAULT=False,
        # This would require a Referer, which may legitimately be missing; `origin` checks Origin.
        WTF_CSRF_SSL_STRICT=False,
    )
    csrf.init_app(app)
