"""The lab's pages, and what their script asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Final, cast

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    jsonify,
    render_template,
    request,
    send_from_directory,
)
from redis import RedisError

from app.auth.login import log_in
from app.dev.lab import attacker_site, lab_runs, log_copy, recorder
from app.dev.lab.run_store import RunStore
from app.dev.lab.weakened import variants_of
from app.errors import Unavailable
from app.families.issuer import PresentedCredentials
from app.services import NAME as SERVICES
from app.services import Services, redis_prefix, services
from app.threats import BY_SLUG, ENTRIES, FURTHER, MISTAKES, THREATS
from app.threats.entry import Entry
from app.web import cookies, problems
from app.web.client import client
from app.web.guards import public

NAME: Final = "latchkey-lab"
STATIC: Final = Path(__file__).parent / "static"
SIDES: Final = {"here": lab_runs.here, "weakened": lab_runs.weakened}
# What else can be seen in a browser alone; the rest is the same from any program.
IN_BROWSER: Final = frozenset({
    "xss-token-theft", "tokens-in-localstorage", "csrf-on-refresh", "login-csrf",
    "clickjacking", "session-fixation",
})  # fmt: skip
GROUPS: Final = (
    ("Threats", THREATS),
    ("Mistakes", MISTAKES),
    ("Further attacks", FURTHER),
)

blueprint: Final = Blueprint("lab", __name__, url_prefix="/lab", template_folder="templates")


def install(app: Flask) -> None:
    """Add the lab to `app`, and put the attacker site and the recorder in front of it."""
    built: Services = app.extensions[SERVICES]
    settings, store = built.settings, RunStore(built.redis, redis_prefix(built.settings))
    log_copy.keep(settings)
    app.extensions[NAME] = store
    app.jinja_env.globals["lab"] = True
    app.register_blueprint(blueprint)
    site = attacker_site.build(settings.public_url, store, built.nonce)
    recorder.install(app, store, site)


@blueprint.errorhandler(RedisError)
def on_redis_error(_error: RedisError) -> Response:
    """Render a store that is out of reach."""
    return problems.on_refusal(Unavailable(retry_after=problems.RETRY_SECONDS))


@blueprint.get("")
@public
def index() -> str:
    """List every attack."""
    return render_template("lab/index.html", groups=GROUPS)


@blueprint.get("/<slug>")
@public
def card(slug: str) -> str:
    """Show one attack, to be run."""
    entry = _entry(slug)
    at = ENTRIES.index(entry)
    return render_template(
        "lab/card.html",
        entry=entry,
        variant=variants_of(slug)[0],
        in_browser=slug in IN_BROWSER,
        before=ENTRIES[at - 1] if at else None,
        after=ENTRIES[at + 1] if at + 1 < len(ENTRIES) else None,
    )


@blueprint.post("/<slug>/run")
@public
def run(slug: str) -> Response:
    """Run one attack on one side, and answer all that was sent and found."""
    side = SIDES.get(request.args.get("side", ""))
    if side is None:
        abort(400)
    return jsonify(side(_entry(slug).slug, run_store()).as_json())


@blueprint.post("/browser")
@public
def open_run() -> Response:
    """Begin a run in this browser: an account to use, and whether it brings a session."""
    account = lab_runs.open_account(run_store())
    return jsonify(
        run=run_store().open(account),
        attacker=attacker_site.attacker_origin(services().settings.public_url),
        logged_in=cookies.REFRESH in request.cookies,
        account={"email": account.email, "password": account.password},
    )


@blueprint.get("/browser/<name>")
@public
def seen(name: str) -> Response:
    """Return what was seen so far."""
    return jsonify(seen=run_store().seen(name))


@blueprint.post("/browser/<name>/token")
@public
def token(name: str) -> Response:
    """Log the run's account in, for a weakened page, which stores the token."""
    account = run_store().account(name) or abort(404)
    presented = PresentedCredentials()
    pair = log_in(
        services().auth, account.email, account.password, client(), presented, remember=False
    )
    return jsonify(access_token=pair.access_token)


@blueprint.post("/browser/<name>/close")
@public
def close_run(name: str) -> tuple[str, int]:
    """End a run in a browser and erase its account."""
    account = run_store().account(name)
    if account:
        lab_runs.erase(account.email, run_store())
        run_store().close(name)
    return "", 204


@blueprint.get("/page/guarded")
@public
def guarded() -> str:
    """Show a page into which script was injected, under the policy of all pages."""
    return render_template("lab/guarded.html")


@blueprint.get("/static/<path:filename>")
@public
def static(filename: str) -> Response:
    """Serve the lab's own files."""
    return send_from_directory(STATIC, filename)


def run_store() -> RunStore:
    """Return the run store of the current application."""
    return cast("RunStore", current_app.extensions[NAME])


def _entry(slug: str) -> Entry:
    return BY_SLUG.get(slug) or abort(404)
