"""The fragments: the content of the account pages.

The page is a shell without data; its script fetches the fragment with the access token.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from flask import Blueprint, render_template

from app.auth.history import activity_page
from app.auth.profile import account as account_of
from app.auth.profile import profile
from app.auth.sessions import active_sessions
from app.auth.thefts import recent_thefts
from app.errors import MailOff
from app.infra.clock import rfc3339
from app.pages.activity_words import words
from app.services import services
from app.web.activity_views import PAGE_LENGTH, ActivityQuery, TheftView, activity_view, theft_view
from app.web.bodies import read_query
from app.web.guards import caller, require_access
from app.web.received import received_headers
from app.web.responses import UserView, session_view

blueprint: Final = Blueprint("fragments", __name__, url_prefix="/fragments")

EXPLAIN: Final = {
    "iss": "Issuer: this site signed the token.",
    "aud": "Audience: the token is for this API, and any other service must refuse it.",
    "sub": "Subject: the random id of your account, never your e-mail address.",
    "sid": "The id of your session. When you end the session, this token is refused at once.",
    "jti": "The id of this token.",
    "iat": "When the token was signed.",
    "exp": "When the token expires: after a few minutes, so a stolen token is soon useless.",
    "auth_time": "When you last proved who you are, at the log-in or later.",
    "amr": "How you proved it: pwd stands for your password.",
    "cnf": "The fingerprint of this browser's key. Without a proof by it the token is refused.",
}


@blueprint.get("/account")
@require_access
def account() -> str:
    """Render the account, the access token's claims, and what came with this request."""
    _, family = account_of(services().auth, caller().sid)
    return render_template(
        "fragments/account.html",
        user=_user(),
        session=session_view(family, caller().sid),
        thefts=_thefts(),
        claims={k: v for k, v in asdict(caller().claims).items() if v is not None},
        header=services().access_tokens.header(),
        explain=EXPLAIN,
        received=received_headers(),
    )


@blueprint.get("/sessions")
@require_access
def sessions() -> str:
    """Render the caller's active sessions, and those that were revoked for theft recently."""
    active = active_sessions(services().auth, caller().user_id)
    views = [session_view(family, caller().sid) for family in active]
    return render_template("fragments/sessions.html", sessions=views, thefts=_thefts())


@blueprint.get("/activity")
@require_access
def activity() -> str:
    """Render a page of what happened to the caller's account."""
    query = read_query(ActivityQuery)
    limit, before = query.get("limit", PAGE_LENGTH), query.get("before")
    page = activity_page(services().auth, caller().user_id, limit, before)
    view = activity_view(page, caller().sid)
    return render_template("fragments/activity.html", **view, words=words)


@blueprint.get("/password")
@require_access
def password() -> str:
    """Render the form for changing the password."""
    return render_template(
        "fragments/password.html",
        user=_user(),
        password_min_length=services().settings.password_min_length,
    )


@blueprint.get("/email")
@require_access
def email() -> str:
    """Render the form that asks for another address; where no mail is sent, say so instead."""
    is_open = services().auth.outbox.is_open
    return render_template(
        "fragments/email.html", user=_user(), closed="" if is_open else MailOff.detail
    )


@blueprint.get("/data")
@require_access
def data() -> str:
    """Render what can be downloaded, and what a deletion would take away."""
    others = [
        family
        for family in active_sessions(services().auth, caller().user_id)
        if family.family_id != caller().sid
    ]
    return render_template("fragments/data.html", user=_user(), others=len(others))


def _thefts() -> list[TheftView]:
    return [theft_view(family) for family in recent_thefts(services().auth, caller().user_id)]


def _user() -> UserView:
    user = profile(services().auth, caller().sid)
    return {"id": user.user_id, "email": user.email, "created_at": rfc3339(user.registered_at)}
