"""Running one attack of the catalogue, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Final, Literal

from app.attacks import denial, login_attacks, pages, sessions, tokens
from app.attacks.context import Account, AttackContext, Inconclusive, Missing
from app.attacks.record import Record
from app.attacks.wire import Target

Verdict = Literal["held", "got_through", "inconclusive", "skipped"]
Attack = Callable[[AttackContext], None]

# The last four use up what one address may try: from elsewhere than this machine, others after
# them would be refused for that alone.
ATTACKS: Final[dict[str, Attack]] = {
    attack.__name__.replace("_", "-"): attack
    for attack in (
        pages.xss_token_theft,
        pages.csrf_on_refresh,
        tokens.replay,
        sessions.sidejacking,
        sessions.refresh_token_theft,
        pages.tokens_in_localstorage,
        tokens.unvalidated_audience,
        tokens.one_secret_everywhere,
        sessions.long_refresh_without_rotation,
        tokens.trusting_alg,
        sessions.password_change_keeps_sessions,
        pages.login_csrf,
        sessions.session_fixation,
        tokens.algorithm_confusion,
        tokens.cross_type_tokens,
        tokens.cross_environment_tokens,
        tokens.key_injection,
        tokens.token_malleability,
        sessions.refresh_races,
        sessions.planted_key,
        sessions.swallowed_cookie,
        sessions.captured_token_log_out,
        sessions.denylist_loss,
        pages.open_redirect,
        pages.clickjacking,
        pages.cache_leaks,
        login_attacks.log_leaks,
        denial.slow_requests,
        login_attacks.account_enumeration,
        login_attacks.password_spraying,
        login_attacks.costly_texts,
        login_attacks.hashing_floods,
        denial.log_in_starvation,
    )
}


@dataclass(frozen=True)
class Run:
    """One run: the verdict, what was sent and found, and why it is `inconclusive` or `skipped`.

    `inconclusive` proves nothing: something stood in the way of the attack itself.
    """

    slug: str
    verdict: Verdict
    record: Record
    seconds: float
    why: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the run as plain data."""
        return {
            "slug": self.slug,
            "verdict": self.verdict,
            "why": self.why,
            "seconds": round(self.seconds, 3),
            **self.record.as_json(),
        }


def run(slug: str, target: Target, account: Account) -> Run:
    """Attack `account` at `target` as the entry `slug` says."""
    context, began, why = AttackContext(target, account), time.monotonic(), ""
    stopped: Verdict | None = None
    try:
        ATTACKS[slug](context)
    except Missing as missing:
        stopped, why = "skipped", str(missing)
    except (Inconclusive, OSError, HTTPException) as error:
        stopped, why = "inconclusive", str(error) or type(error).__name__
    # What fell before something stood in the way has fallen, and may be why.
    if not all(finding.held for finding in context.record.findings):
        stopped = "got_through"
    verdict: Verdict = stopped or ("held" if context.record.held else "got_through")
    return Run(slug, verdict, context.record, time.monotonic() - began, why)
