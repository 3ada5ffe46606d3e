"""Hostile tokens: several hundred, each with its name, how it is forged, and why it is refused.

They are signed with the application's real derived key, by hand and not through PyJWT, so that
nothing is wrong with a token but the one thing it is named after. Each is refused twice: by the
codec, for exactly the reason given here, and over HTTP.
"""

from tests.support.forger import ACCESS
from tests.vectors.tokens.case import Case
from tests.vectors.tokens.claims import (
    claim_values,
    family_claims,
    method_claims,
    text_claims,
    time_claims,
    times,
)
from tests.vectors.tokens.form import forms
from tests.vectors.tokens.header import headers
from tests.vectors.tokens.others import others
from tests.vectors.tokens.signature import signatures
from tests.vectors.tokens.text import json_forms


def for_purpose(purpose: str) -> list[Case]:
    return [case for case in CASES if case.only in {"", purpose}]


CASES: tuple[Case, ...] = (
    *forms(),
    *json_forms(),
    *headers(),
    *signatures(),
    *family_claims(),
    *text_claims(),
    *time_claims("iat"),
    *time_claims("exp"),
    *time_claims("auth_time", ACCESS),
    *method_claims(),
    *claim_values(),
    *times(),
    *others(),
)
