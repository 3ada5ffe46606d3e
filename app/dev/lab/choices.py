"""Three lines for each attack, of which one stops it.

Each is a line of the real code that a weakened variant replaces or works around. The card runs the
server with the variant that the visitor chooses; that without the other two the attack is blocked
all the same is a result of tests, and of the run itself.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from app.dev.lab.weakened import VARIANTS, variants_of

# The line that each variant undoes, by the variant's name.
LINES: Final = {
    "script-may-read-the-cookie": (
        'name, value, max_age=max_age, path="/", secure=True, httponly=True, samesite="Strict"'
    ),
    "same-site-cookies-are-enough": (
        'if site not in {None, "same-origin"} and not user_navigation:'
    ),
    "the-expiry-is-not-checked": "if claims.exp + self.rules.leeway <= now:",
    "bearer-is-always-good": "if scheme != (BEARER if bound is None else DPOP):",
    "reuse-is-only-refused": (
        "THEFTS: Final = frozenset({Reason.REUSE, Reason.NO_PROOF, Reason.FOREIGN_KEY})"
    ),
    "both-tokens-are-in-the-body": "cookies.set_credentials(response, pair)",
    "the-audience-is-not-checked": (
        "token, key, algorithms=[ALGORITHM], audience=rules.audience, issuer=rules.issuer"
    ),
    "the-secret-is-the-key": (
        "by_kid[kid] = derive(source, env=env, issuer=issuer, purpose=purpose)"
    ),
    "refreshing-does-not-rotate": "successor=successor.jti,",
    "the-header-chooses-the-algorithm": "kid = parse_jws(token, self.rules.typ)",
    "only-the-password-changes": (
        "happened = _replace_all(connection, user, changed, sid, successor, client)"
    ),
    "forms-carry-no-token": "csrf.init_app(app)",
    "the-former-session-goes-on": (
        "replaced = revocation.revoke_family(connection, former, Reason.REPLACED, now)"
        " if former else []"
    ),
    "every-algorithm-is-allowed": "kid = parse_jws(token, self.rules.typ)",
    "the-type-is-decoration": 'if header["typ"] != typ:',
    "the-issuer-is-not-checked": (
        "token, key, algorithms=[ALGORITHM], audience=rules.audience, issuer=rules.issuer"
    ),
    "the-key-comes-with-the-token": "key = self._ring.by_kid.get(kid)",
    "tokens-are-tidied-up": "match = COMPACT.fullmatch(token)",
    "looking-comes-before-writing": "if rotated := database.write(rotate, claims, successor):",
    "the-browser-keeps-its-key": (
        "user.id, client, now, remembered=family.remembered, jkt=jkt or family.jkt"
    ),
    "the-framework-splits-the-header": (
        'parts = (part.partition("=") for part in header.split(";"))'
    ),
    "logging-out-takes-any-signed-token": "authenticate()",
    "every-log-in-is-recent": "if now - caller().auth_time > max_age + leeway:",
    "an-empty-redis-is-believed": "complete, lost_at = self._sync.vouch(marker, trusted)",
    "the-link-knows-where-to-go": (
        'return wanted if len(wanted) <= MAX_LENGTH and _PATH.fullmatch(wanted) else ""'
    ),
    "anybody-may-frame-us": (
        "\"manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \""
    ),
    "answers-may-be-kept": 'NO_STORE: Final = ("Cache-Control", "no-store")',
    "requests-are-logged-whole": (
        'line: dict[str, str | int] = {"ts": rfc3339(self._clock.now()), "event": event, **fields}'
    ),
    "a-thread-waits-for-each-client": "self._enter(connection, self.table.reading, READ)",
    "opening-a-link-uses-it-up": (
        "return auth.database.read(opened_links.read, auth, token, KINDS).email"
    ),
    "a-change-kills-no-link": (
        "return hmac.compare_digest(_mac(key, mail, user, link.made_at), link.mac)"
    ),
    "any-host-is-ours": (
        'named = request.environ.get("HTTP_HOST") == public_host or request.host == public_host'
    ),
    "the-id-is-enough": (
        "return hmac.compare_digest(_mac(key, mail, user, link.made_at), link.mac)"
    ),
    "each-request-is-answered-by-mail": (
        'return self._with_fallback(counts.hit, Bucket(f"mail_{kind}", address, MAILS)) is None'
    ),
    "strangers-are-answered-sooner": (
        "return self._hasher.verify(password_hash or self._dummy, raw) and bool(password_hash)"
    ),
    "guessing-is-not-counted": "full_until = self._with_fallback(counts.hit, bucket)",
    "an-address-may-have-any-length": "MAX_TYPED: Final = 320",
    "everybody-hashes-at-once": "self._take(place)",
    "whoever-comes-first-has-a-place": "self._take(place)",
}
# The defenses that are offered beside the real one.
OTHERS: Final = (
    "the-expiry-is-not-checked",
    "same-site-cookies-are-enough",
    "script-may-read-the-cookie",
    "the-audience-is-not-checked",
    "every-log-in-is-recent",
    "the-link-knows-where-to-go",
    "the-former-session-goes-on",
    "the-type-is-decoration",
)
# Those without which the attack succeeds too.
ALSO_NEEDED: Final = {"login-csrf": "same-site-cookies-are-enough"}


@dataclass(frozen=True)
class Choice:
    """A line to choose: its text, the place of its code, and the variant that undoes it."""

    variant: str
    line: str
    place: str


def choices_of(slug: str) -> list[Choice]:
    """Return three choices for an entry; the variant of one is the entry's first.

    They depend on nothing but the slug, so that a page is the same every time.
    """
    real = variants_of(slug)[0].name
    others = [
        name
        for name in OTHERS
        if LINES[name] != LINES[real] and name not in {real, ALSO_NEEDED.get(slug)}
    ]
    others.sort(key=lambda name: _mixed(slug, name))
    names = sorted([real, *others[:2]], key=lambda name: _mixed(name, slug))
    by_name = {variant.name: variant for variant in VARIANTS}
    return [Choice(name, LINES[name], by_name[name].defense) for name in names]


def _mixed(one: str, other: str) -> bytes:
    return hashlib.sha256(f"{one} {other}".encode()).digest()
