"""Fragments: the content of the account pages, fetched by script with the access token."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from flask import Blueprint, render_template

from app.auth.profile import account as account_of
from app.auth.profile import profile
from app.auth.sessions import active_sessions, recent_thefts
from app.infra.clock import rfc3339
from app.services import services
from app.web.guards import caller, require_access
from app.web.responses import UserView, session_view, theft_view

blueprint: Final = Blueprint("fragments", __name__, url_prefix="/fragments")

EXPLAIN: Final = {
    "iss": "Who signed it: this site, and no other environment of it.",
    "aud": "Whom it is for: this API. A token for another service is refused here.",
    "sub": "Who you are: a random number, never your e-mail address.",
    "sid": "Which session it belongs to. End that session and this token is refused at once.",
    "jti": "This one token's own number.",
    "iat": "When it was signed.",
    "exp": "When it ends. A few minutes: what is stolen is soon worth nothing.",
    "auth_time": "When you last gave your password.",
    "cnf": "The fingerprint of this browser's key. Without its proof the token is refused.",
}


@blueprint.get("/account")
@require_access
def account() -> str:
    """Render the account and the demonstration of the split."""
    _, family = account_of(services().auth, caller().sid)
    return render_template(
        "fragments/account.html",
        user=_user(),
        session=session_view(family, caller().sid),
        claims={k: v for k, v in asdict(caller().claims).items() if v is not None},
        header=services().access_tokens.header(),
        explain=EXPLAIN,
    )


@blueprint.get("/sessions")
@require_access
def sessions() -> str:
    """Render the caller's live sessions."""
    auth, user_id = services().auth, caller().user_id
    views = [session_view(family, caller().sid) for family in active_sessions(auth, user_id)]
    thefts = [theft_view(family) for family in recent_thefts(auth, user_id)]
    return render_template("fragments/sessions.html", sessions=views, thefts=thefts)


@blueprint.get("/password")
@require_access
def password() -> str:
    """Render the password form."""
    return render_template(
        "fragments/password.html",
        user=_user(),
        password_min_length=services().settings.password_min_length,
    )


def _user() -> UserView:
    found = profile(services().auth, caller().sid)
    registered = rfc3339(found.registered_at)
    return {"id": found.user_id, "email": found.email, "created_at": registered}
