"""Weakened variants of what browsers are sent, and of checks of what they send."""

from __future__ import annotations

import json

from flask import Flask, Request, Response
from flask_wtf import CSRFProtect

from app.dev.lab.weakened.variant import instead_of
from app.errors import CrossOrigin
from app.families.issuer import TokenPair
from app.web.csrf import csrf
from app.web.headers import always as real_always
from app.web.origin import check_origin as real_check_origin
from app.web.token_responses import token_response as real_token_response


@instead_of("app/web/cookies.py:_set", "xss-token-theft")
def script_may_read_the_cookie(
    response: Response, name: str, value: str, max_age: int | None
) -> None:
    """The cookie has the framework's default attributes, so script can read it."""
    response.set_cookie(name, value, max_age=max_age, secure=True, samesite="Strict")


@instead_of("app/web/cookies.py:_set", "xss-token-theft")
def the_cookie_goes_everywhere(
    response: Response, name: str, value: str, max_age: int | None
) -> None:
    """The cookie is SameSite=None, because a log-in from another site did not work."""
    response.set_cookie(name, value, max_age=max_age, secure=True, httponly=True, samesite="None")


@instead_of("app/web/headers.py:always", "xss-token-theft")
def inline_script_is_allowed(*, https: bool) -> list[tuple[str, str]]:
    """The policy allows inline script, because a widget needs it."""
    return [
        (name, value.replace("script-src 'self'", "script-src 'self' 'unsafe-inline'"))
        for name, value in real_always(https=https)
    ]


@instead_of("app/web/token_responses.py:token_response", "tokens-in-localstorage")
def both_tokens_are_in_the_body(pair: TokenPair) -> Response:
    """The refresh token is in the body, for a client that puts it into localStorage."""
    response = real_token_response(pair)
    body = response.get_json() | {"refresh_token": pair.refresh_token}
    response.set_data(json.dumps(body))
    return response


@instead_of("app/web/origin.py:check_origin", "csrf-on-refresh")
def same_site_cookies_are_enough(request: Request, public_url: str) -> None:
    """The origin of requests is not checked, because the cookie is SameSite."""


@instead_of("app/web/origin.py:check_origin", "csrf-on-refresh")
def siblings_are_trusted(request: Request, public_url: str) -> None:
    """Other sites are refused, but subdomains are trusted."""
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise CrossOrigin


@instead_of("app/web/origin.py:check_origin", "csrf-on-refresh")
def old_browsers_are_let_in(request: Request, public_url: str) -> None:
    """Sec-Fetch-Site is checked, and without it nothing is."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        raise CrossOrigin


@instead_of("app/web/csrf.py:csrf.init_app", "login-csrf")
def forms_carry_no_token(app: Flask) -> None:
    """The log-in form has no token, because there is no session yet to protect."""
    app.config.update(WTF_CSRF_ENABLED=False, WTF_CSRF_METHODS=[])
    CSRFProtect.init_app(csrf, app)


@instead_of("app/web/origin.py:check_origin", "login-csrf")
def json_is_taken_from_anywhere(request: Request, public_url: str) -> None:
    """The origin is checked for forms, but not for JSON."""
    if not request.path.startswith("/auth/"):
        real_check_origin(request, public_url)


@instead_of("app/pages/redirects.py:safe_path", "open-redirect")
def the_link_knows_where_to_go(wanted: str) -> str:
    """After the log-in the browser goes wherever the link says."""
    return wanted


@instead_of("app/pages/redirects.py:safe_path", "open-redirect")
def a_path_begins_with_a_slash(wanted: str) -> str:
    """Everything that begins with a slash counts as a path of this site."""
    return wanted if wanted.startswith("/") else ""


@instead_of("app/web/headers.py:always", "clickjacking")
def anybody_may_frame_us(*, https: bool) -> list[tuple[str, str]]:
    """The policy does not say who may frame the pages."""
    return [
        (name, value.replace("frame-ancestors 'none'; ", ""))
        for name, value in real_always(https=https)
    ]


@instead_of("app/web/headers.py:NO_STORE", "cache-leaks")
def answers_may_be_kept() -> tuple[str, str]:
    """Answers may be stored for a minute, to make the pages fast."""
    return "Cache-Control", "max-age=60"


@instead_of("app/web/headers.py:clear_site_data", "cache-leaks")
def the_browser_keeps_what_script_stored(response: Response) -> None:
    """A log-out does not erase what script stored in the browser."""
