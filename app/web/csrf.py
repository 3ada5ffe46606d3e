"""The CSRF protection of forms. Flask's own session holds its token and nothing else."""

from __future__ import annotations

import hashlib
from typing import Final

from flask import Flask, Request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_wtf import CSRFProtect

from app.web import cookies

FORM_SECONDS: Final = 3600

csrf: Final = CSRFProtect()

# What scripts and programs ask for, and nobody by navigation: neither forms nor pages.
PROGRAMS: Final = ("/api/", "/auth/", "/fragments/", "/healthz", "/readyz", "/openapi.json")
WITHOUT_FORMS: Final = (*PROGRAMS, "/static/")


class FormSessions(SecureCookieSessionInterface):
    """Opens no session where there is no form: reading one would cost each API request.

    A form is sent by navigation, and a navigation carries no Authorization header.
    """

    digest_method = staticmethod(hashlib.sha256)

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Return the session of a page; None elsewhere.

        Of two cookies neither is taken: a planted one would bring a form token that the planter
        knows.
        """
        if "HTTP_AUTHORIZATION" in request.environ or request.path.startswith(WITHOUT_FORMS):
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
        # Pages ask for the check themselves; the API has the origin rule and no form.
        WTF_CSRF_CHECK_DEFAULT=False,
        # The origin rule checks every request; a Referer may be missing for good reasons.
        WTF_CSRF_SSL_STRICT=False,
    )
    csrf.init_app(app)
