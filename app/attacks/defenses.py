"""The code of each defense that findings name, as `path:name`; public names only."""

from __future__ import annotations

from typing import Final

# Cross-site requests, pages and what browsers keep
ORIGIN: Final = "app/web/origin.py:check_origin"
FORM_TOKEN: Final = "app/web/csrf.py:csrf"
SAFE_PATH: Final = "app/pages/redirects.py:safe_path"
POLICY: Final = "app/web/headers.py:CONTENT_SECURITY_POLICY"
NO_STORE: Final = "app/web/headers.py:NO_STORE"
CLEAR_SITE_DATA: Final = "app/web/headers.py:clear_site_data"
STRICT_TRANSPORT: Final = "app/web/headers.py:STRICT_TRANSPORT"
TOKEN_RESPONSE: Final = "app/web/token_responses.py:token_response"
BROWSER_MODULE: Final = "static/js/session.js:authorizedFetch"

# Cookies
COOKIE_ATTRIBUTES: Final = "app/web/cookies.py:set_credentials"
COOKIE_READER: Final = "app/web/cookies.py:read_refresh"
COOKIE_PARSER: Final = "app/web/cookies.py:pairs"

# Tokens, keys and proofs
TOKEN_FORM: Final = "app/tokens/jws.py:parse_jws"
TOKEN_CLAIMS: Final = "app/tokens/codec.py:Codec.verify"
DERIVED_KEYS: Final = "app/tokens/keys.py:derive"
PROOF: Final = "app/tokens/dpop.py:read_proof"
NONCE_AGE: Final = "app/tokens/nonces.py:Nonces.is_outdated"
CREDENTIAL: Final = "app/web/guards.py:credential"
GUARD: Final = "app/web/guards.py:authenticate"

# Sessions
LOG_IN: Final = "app/auth/login.py:begin_session"
REFRESH: Final = "app/auth/refresh.py:refresh"
ROTATION: Final = "app/families/rotation.py:rotate"
REFUSAL_REASON: Final = "app/families/rotation.py:refusal_reason"
PASSWORD_CHANGE: Final = "app/auth/password.py:change_password"
STEP_UP: Final = "app/web/step_up.py:require_recent"
REAUTHENTICATION: Final = "app/auth/reauthenticate.py:reauthenticate"
AUTH_TIME: Final = "app/families/issuer.py:TokenIssuer.issue"
LOG_OUT: Final = "app/api/session.py:post_logout"
DENYLIST: Final = "app/families/denylist.py:Denylist.denied"
DENYLIST_REPAIR: Final = "app/families/denylist_sync.py:DenylistSync.vouch"

# Mail
LINK: Final = "app/mail/links.py:Links.is_valid"
CHECK_RESET: Final = "app/auth/reset.py:check_reset"
OPENED_LINK: Final = "app/pages/mailed_links.py:opened"
REGISTRATION: Final = "app/auth/register.py:request_registration"
MAIL_LIMIT: Final = "app/infra/throttle.py:Throttle.mail"
NOTE_LIMIT: Final = "app/infra/throttle.py:Throttle.note"
HOST: Final = "app/web/origin.py:install"

# Logging in, and the server
INVALID_CREDENTIALS: Final = "app/errors.py:InvalidCredentials"
PASSWORD_HASH: Final = "app/accounts/passwords.py:Passwords.verify"
ADDRESS_LIMIT: Final = "app/infra/buckets.py:of_network"
ACCOUNT_LIMIT: Final = "app/infra/buckets.py:ACCOUNT"
ASKED_MAIL: Final = "app/auth/asked_mail.py:answer"
HASH_QUEUE: Final = "app/accounts/hash_queue.py:HashQueue.place"
PASSWORD_BYTES: Final = "app/accounts/password_policy.py:MAX_PASSWORD_BYTES"
PASSWORD_LENGTH: Final = "app/accounts/password_policy.py:MAX_CODE_POINTS"
EMAIL_LENGTH: Final = "app/accounts/emails.py:MAX_TYPED"
BODY_LENGTH: Final = "config.py:BODY_BYTES"
SERVER_LOOP: Final = "app/server/loop.py:Server"
AUDIT_RECORD: Final = "app/infra/audit.py:Audit.record"
