"""The lab's pages and static files: the list, a card for each entry, the guarded page."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from flask import Blueprint, Response, abort, render_template, send_from_directory

from app.dev.lab.choices import LINES, choices_of
from app.dev.lab.weakened import variants_of
from app.threats import BY_SLUG, ENTRIES, FURTHER, MISTAKES, THREATS
from app.threats.entry import Entry
from app.web.guards import public

STATIC: Final = Path(__file__).parent / "static"
# These attacks run in the visitor's browser too; for the others a browser adds nothing.
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


@blueprint.get("")
@public
def index() -> str:
    """List every attack."""
    return render_template("lab/index.html", groups=GROUPS)


@blueprint.get("/<slug>")
@public
def card(slug: str) -> str:
    """Show one attack with a button that runs it."""
    entry = named_entry(slug)
    at = ENTRIES.index(entry)
    return render_template(
        "lab/card.html",
        entry=entry,
        number=at + 1,
        choices=choices_of(slug),
        line=LINES[variants_of(slug)[0].name],
        variant=variants_of(slug)[0],
        in_browser=slug in IN_BROWSER,
        before=ENTRIES[at - 1] if at else None,
        after=ENTRIES[at + 1] if at + 1 < len(ENTRIES) else None,
    )


@blueprint.get("/page/guarded")
@public
def guarded() -> str:
    """Show a page with injected script under the policy of all pages."""
    return render_template("lab/guarded.html")


@blueprint.get("/static/<path:filename>")
@public
def static(filename: str) -> Response:
    """Serve the lab's static files."""
    return send_from_directory(STATIC, filename)


def named_entry(slug: str) -> Entry:
    """Return the entry of the catalogue; answer 404 when there is none."""
    return BY_SLUG.get(slug) or abort(404)
