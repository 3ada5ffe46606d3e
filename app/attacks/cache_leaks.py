"""What a cache, or the back button, keeps for the next person."""

from __future__ import annotations

from app.attacks import defenses
from app.attacks.context import AttackContext


def cache_leaks(context: AttackContext) -> None:
    """Ask which answers may be stored, and what a log-out tells the browser to erase."""
    owner = context.owner()
    context.say("A shared proxy, or the browser's cache, keeps answers that carry credentials.")
    answers = {
        "the answer to a log-in": context.answer_to_log_in(),
        "the answer to a refresh": owner.refresh(),
        "the answer of /api/me": owner.me(),
        "the account's fragment": owner.protected("GET", "/fragments/account"),
        "a page with a form": owner.ask("GET", "/login"),
        "a refusal": context.thief().me("x"),
    }
    for what, answer in answers.items():
        held = "no-store" in answer.header("Cache-Control")
        context.found(f"{what} may not be stored", defenses.NO_STORE, held=held)
    context.say("After the log-out somebody else presses the back button.")
    erased = owner.protected("POST", "/auth/logout").header("Clear-Site-Data")
    text = f"the browser is told to erase {erased}"
    context.found(text, defenses.CLEAR_SITE_DATA, held='"storage"' in erased)
