"""What the lab's script calls: run an attack, and open, follow and close a run in a browser."""

from __future__ import annotations

from typing import Final, cast

from flask import Blueprint, Response, abort, current_app, jsonify, render_template, request
from redis import RedisError

from app.auth.login import log_in
from app.dev.lab.all_runs import AllRuns
from app.dev.lab.attacker_site import attacker_origin
from app.dev.lab.browser_accounts import erase, open_account
from app.dev.lab.cards import named_entry
from app.dev.lab.choices import LINES, choices_of
from app.dev.lab.finished_runs import FinishedRuns
from app.dev.lab.live import streamed
from app.dev.lab.run_store import RunStore
from app.dev.lab.weakened import VARIANTS, variants_of
from app.dev.lab.whole_runs import WholeRun
from app.errors import Unavailable
from app.families.issuer import PresentedCredentials
from app.services import redis_prefix, services
from app.web import cookies, problems
from app.web.client import client
from app.web.guards import public

NAME: Final = "latchkey-lab"

blueprint: Final = Blueprint("lab_runs", __name__, url_prefix="/lab")


def run_store() -> RunStore:
    """Return the run store of the current application."""
    return cast("RunStore", current_app.extensions[NAME])


def finished_runs() -> FinishedRuns:
    """Return the finished runs of the current application."""
    return FinishedRuns(services().redis, redis_prefix(services().settings))


@blueprint.errorhandler(RedisError)
def on_redis_error(_error: RedisError) -> Response:
    """Answer 503 while Redis is out of reach."""
    return problems.on_refusal(Unavailable(retry_after=problems.RETRY_SECONDS))


@blueprint.post("/<slug>/run")
@public
def run(slug: str) -> Response:
    """Run one attack on both sides, and stream everything that is sent and found.

    `without` names the variant on the other side, one of the entry's three choices.
    """
    named_entry(slug)
    variant = request.args.get("without", variants_of(slug)[0].name)
    if variant not in {choice.variant for choice in choices_of(slug)}:
        abort(400)
    settings = services().settings
    return streamed(WholeRun(slug, variant, settings, run_store(), finished_runs()))


@blueprint.post("/run-all")
@public
def run_all() -> Response:
    """Run every attack on both sides, and stream the verdicts."""
    return streamed(AllRuns(services().settings, run_store()))


@blueprint.get("/runs/<name>")
@public
def finished_page(name: str) -> str:
    """Show a finished run, at an address that can be sent to somebody."""
    kept = finished_runs().find(name) or abort(404)
    (variant,) = (one for one in VARIANTS if one.name == kept["variant"])
    entry = named_entry(kept["slug"])
    line = LINES[variant.name]
    return render_template("lab/run.html", name=name, entry=entry, variant=variant, line=line)


@blueprint.get("/runs/<name>/steps")
@public
def finished(name: str) -> Response:
    """Return a finished run with its steps."""
    return jsonify(finished_runs().find(name) or abort(404))


@blueprint.post("/browser")
@public
def open_run() -> Response:
    """Begin a run in this browser; say which account to use, and whether it has a session."""
    account = open_account(run_store())
    return jsonify(
        run=run_store().open(account),
        attacker=attacker_origin(services().settings.public_url),
        logged_in=cookies.REFRESH in request.cookies,
        account=account.credentials,
    )


@blueprint.get("/browser/<name>")
@public
def seen(name: str) -> Response:
    """Return what was seen of a run so far."""
    return jsonify(seen=run_store().seen(name))


@blueprint.post("/browser/<name>/token")
@public
def token(name: str) -> Response:
    """Log the run's account in, for the weakened page that stores the access token."""
    account = run_store().account(name) or abort(404)
    presented = PresentedCredentials()
    pair = log_in(
        services().auth, account.email, account.password, client(), presented, remember=False
    )
    return jsonify(access_token=pair.access_token)


@blueprint.post("/browser/<name>/close")
@public
def close_run(name: str) -> tuple[str, int]:
    """End a run and erase its account; a run that is over is no error."""
    account = run_store().account(name)
    if account:
        erase(account.email, run_store())
        run_store().close(name)
    return "", 204
