"""All attacks by the slug of their entry in the catalogue, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from app.attacks.account_enumeration import account_enumeration
from app.attacks.account_squatting import account_squatting
from app.attacks.cache_leaks import cache_leaks
from app.attacks.context import AttackContext
from app.attacks.costly_texts import costly_texts
from app.attacks.cross_site import clickjacking, csrf_on_refresh, login_csrf
from app.attacks.denylist_loss import denylist_loss
from app.attacks.hashing_floods import hashing_floods
from app.attacks.injected_script import tokens_in_localstorage, xss_token_theft
from app.attacks.key_injection import key_injection
from app.attacks.log_leaks import log_leaks
from app.attacks.login_starvation import log_in_starvation
from app.attacks.mail_abuse import hostile_host, mail_flooding
from app.attacks.mailed_links import scanned_links, stale_links
from app.attacks.open_redirect import open_redirect
from app.attacks.password_spraying import password_spraying
from app.attacks.planted_key import planted_key
from app.attacks.refresh_lifetime import long_refresh_without_rotation
from app.attacks.refresh_races import refresh_races
from app.attacks.session_ends import captured_token_log_out, password_change_keeps_sessions
from app.attacks.session_fixation import session_fixation
from app.attacks.session_theft import refresh_token_theft, sidejacking
from app.attacks.slow_requests import slow_requests
from app.attacks.stale_log_in import stale_log_in
from app.attacks.swallowed_cookie import swallowed_cookie
from app.attacks.token_claims import (
    cross_environment_tokens,
    one_secret_everywhere,
    unvalidated_audience,
)
from app.attacks.token_headers import algorithm_confusion, cross_type_tokens, trusting_alg
from app.attacks.token_replay import replay
from app.attacks.token_spelling import token_malleability

Attack = Callable[[AttackContext], None]

# The last four use up what one address may try. Where all attacks come from one address, others
# after them would be refused for that alone.
ATTACKS: Final[dict[str, Attack]] = {
    attack.__name__.replace("_", "-"): attack
    for attack in (
        xss_token_theft,
        csrf_on_refresh,
        replay,
        sidejacking,
        refresh_token_theft,
        tokens_in_localstorage,
        unvalidated_audience,
        one_secret_everywhere,
        long_refresh_without_rotation,
        trusting_alg,
        password_change_keeps_sessions,
        login_csrf,
        session_fixation,
        algorithm_confusion,
        cross_type_tokens,
        cross_environment_tokens,
        key_injection,
        token_malleability,
        refresh_races,
        planted_key,
        swallowed_cookie,
        captured_token_log_out,
        stale_log_in,
        denylist_loss,
        open_redirect,
        clickjacking,
        cache_leaks,
        log_leaks,
        slow_requests,
        scanned_links,
        stale_links,
        hostile_host,
        account_squatting,
        mail_flooding,
        account_enumeration,
        password_spraying,
        costly_texts,
        hashing_floods,
        log_in_starvation,
    )
}
