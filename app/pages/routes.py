"""The pages and their forms. The account pages are shells; script fetches their fragments."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, abort, render_template, request, url_for

from app.auth.login import log_in
from app.auth.logout import log_out
from app.errors import Refusal
from app.families.issuer import TokenPair
from app.pages.browsers import PROTECTIONS, VERSIONS_OF
from app.pages.form_page import NO_HEADERS, Page, logged_in, refused, see_other
from app.pages.forms import LogInForm
from app.pages.redirects import safe_path
from app.services import services
from app.threats import BY_SLUG, ENTRIES, MISTAKES
from app.threats.search import KINDS, MAX_QUERY, matching, searched_text
from app.web import cookies
from app.web.client import client
from app.web.csrf import csrf
from app.web.dpop import presented_credentials
from app.web.guards import public
from app.web.token_responses import logged_out

blueprint: Final = Blueprint("pages", __name__)
blueprint.before_request(csrf.protect)

# Microseconds of CPU time of a guard, as docs/performance.md measured them.
COSTS: Final = (
    ("A protected request", 71, True),
    ("The same with a proof of possession", 235, True),
    ("flask-jwt-extended, with its Redis blocklist", 259, False),
)
NOTICES: Final = frozenset(
    {"session_ended", "logged_out", "password_changed", "password_breached"}
)


@blueprint.get("/")
@public
def home() -> str:
    """Render the home page: the file `home.html` in the templates of a feature, or Latchkey's."""
    return render_template(["home.html", "pages/home.html"], entries=ENTRIES, costs=COSTS)


@blueprint.route("/login", methods=["GET", "POST"])
@public
def login() -> Page:
    """Render the form; on POST log in."""
    form, wanted = LogInForm(request.form), safe_path(request.values.get("next", ""))
    status, headers = 200, NO_HEADERS
    if request.method == "POST":
        status = 400
        if form.validate():
            try:
                return logged_in(_log_in(form), wanted)
            except Refusal as refusal:
                status, headers = refused(form, refusal)
    page = render_template("pages/login.html", form=form, next=wanted, notice=_notice())
    return page, status, headers


@blueprint.route("/logout", methods=["GET", "POST"])
@public
def logout() -> Page:
    """Ask whether to log out; on POST do it, for browsers without script, and show the login page.

    A GET changes nothing: any site could make a browser send one.
    """
    if request.method != "POST":
        return render_template("pages/logout.html"), 200, NO_HEADERS
    log_out(services().auth, cookies.read_refresh(request), None, client())
    return logged_out(see_other(url_for("pages.login", notice="logged_out")))


@blueprint.get("/account")
@public
def account() -> str:
    """Render the shell of the account page."""
    return render_template("pages/account.html")


@blueprint.get("/account/sessions")
@public
def sessions() -> str:
    """Render the shell of the sessions page."""
    return render_template("pages/sessions.html")


@blueprint.get("/account/activity")
@public
def activity() -> str:
    """Render the shell of the activity page."""
    return render_template("pages/activity.html")


@blueprint.get("/account/password")
@public
def password() -> str:
    """Render the shell of the password page."""
    return render_template("pages/password.html", notice=_notice())


@blueprint.get("/account/data")
@public
def data() -> str:
    """Render the shell of the page about one's data."""
    return render_template("pages/data.html")


@blueprint.get("/account/deleted")
@public
def deleted() -> str:
    """Say that the account is deleted, to whoever has just deleted it."""
    return render_template("pages/deleted.html")


@blueprint.get("/threats")
@public
def threats() -> str:
    """Render the index of all attacks, and hide those that the form's words do not find."""
    query, kind = request.args.get("q", "")[:MAX_QUERY], request.args.get("kind", "")
    return render_template(
        "pages/threats.html",
        entries=ENTRIES,
        kinds=KINDS,
        found=matching(query, kind),
        searched_text=searched_text,
        query=query,
        kind=kind if kind in KINDS else "",
        max_query=MAX_QUERY,
    )


@blueprint.get("/threats/<slug>")
@public
def threat(slug: str) -> str:
    """Render one attack of the catalogue, with its defense and what that does not cover."""
    if slug not in BY_SLUG:
        abort(404)
    number = ENTRIES.index(BY_SLUG[slug])
    return render_template(
        "pages/threat.html", entries=ENTRIES, entry=ENTRIES[number], number=number
    )


@blueprint.get("/mistakes")
@public
def mistakes() -> str:
    """Render the catalogue of mistakes in JWT code that Latchkey avoids."""
    return render_template("pages/mistakes.html", mistakes=MISTAKES)


@blueprint.get("/browsers")
@public
def browsers() -> str:
    """Render which browser knows which protection, and what holds in one that does not."""
    return render_template("pages/browsers.html", protections=PROTECTIONS, versions_of=VERSIONS_OF)


def _log_in(form: LogInForm) -> TokenPair:
    return log_in(
        services().auth,
        form.email.data or "",
        form.password.data or "",
        client(),
        presented_credentials(),
        remember=bool(form.remember.data),
    )


def _notice() -> str:
    notice = request.args.get("notice", "")
    return notice if notice in NOTICES else ""
