"""The types of the fields of JSON bodies, with their constraints and descriptions.

`read_body` validates requests against these types, and `/openapi.json` describes them. The
keywords of `Meta` are enforced; those in `extra_json_schema` are documentation only.
"""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta

from app.accounts.emails import MAX_LENGTH, MAX_TYPED
from app.accounts.password_policy import MAX_PASSWORD_BYTES
from app.tokens.jwk import THUMBPRINT

NEW_PASSWORD_FORMAT: Final = "new-password"  # noqa: S105 - the name of a format

_ID: Final = "^[A-Za-z0-9_-]{22}$"
_COMPACT: Final = r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$"
_PASSWORD_LENGTH: Final = (
    f"At most {MAX_PASSWORD_BYTES:,} bytes of UTF-8. Compared as NFC, never truncated."
)

Id = Annotated[str, Meta(pattern=_ID, examples=["Zk3Qy0vXbT9cLr5sW8hNfA"])]
Timestamp = Annotated[
    str,
    Meta(examples=["2026-11-23T08:27:00Z"], extra_json_schema={"format": "date-time"}),
]
SessionEnd = Annotated[
    str,
    Meta(
        description="When the session ends, however often it is refreshed.",
        examples=["2026-11-24T08:27:00Z"],
        extra_json_schema={"format": "date-time"},
    ),
]
Email = Annotated[
    str, Meta(examples=["ada@example.com"], extra_json_schema={"format": "idn-email"})
]
# The length is not enforced here: `normalize_email` refuses it with a message about addresses.
NewEmail = Annotated[
    str,
    Meta(
        min_length=1,
        examples=["ada@example.com"],
        extra_json_schema={"format": "idn-email", "maxLength": MAX_LENGTH},
    ),
]
TypedEmail = Annotated[
    str,
    Meta(
        min_length=1,
        examples=["ada@example.com"],
        extra_json_schema={"maxLength": MAX_TYPED},
    ),
]
# The length is not enforced here: the story refuses it after it has counted the attempt.
Password = Annotated[
    str,
    Meta(
        min_length=1,
        description=_PASSWORD_LENGTH,
        examples=["quarry lantern umbrella nine"],
        extra_json_schema={"format": "password", "maxLength": MAX_PASSWORD_BYTES},
    ),
]
NewPassword = Annotated[
    str,
    Meta(
        min_length=1,
        description=f"{_PASSWORD_LENGTH} The shortest is a setting of the server.",
        examples=["another marble teapot wanders"],
        extra_json_schema={"format": NEW_PASSWORD_FORMAT, "maxLength": MAX_PASSWORD_BYTES},
    ),
]
Remember = Annotated[
    bool,
    Meta(
        description="Keep the session when the browser is closed. False when it is missing.",
        examples=[True],
    ),
]
NewKey = Annotated[
    str,
    Meta(
        pattern=f"^{THUMBPRINT}$",
        description="The thumbprint (RFC 7638) of a new key that the new session is bound to. "
        "Without it the new session stays bound to the present key, or unbound.",
    ),
]
AccessToken = Annotated[
    str,
    Meta(
        pattern=_COMPACT,
        description="A JWT for the `Authorization` header. Keep it in memory only.",
        examples=["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl"],
    ),
]
Seconds = Annotated[int, Meta(ge=0, description="Seconds the access token lives.", examples=[600])]
PasswordBreached = Annotated[
    bool,
    Meta(
        description="True after a log-in with a password that is known from a breach: have it "
        "changed. Otherwise missing.",
    ),
]
ProblemType = Annotated[str, Meta(pattern="^urn:latchkey:problem:[a-z_]+$")]
MaxAge = Annotated[
    int,
    Meta(
        ge=0,
        description="With `insufficient_user_authentication`: how many seconds ago the caller may "
        "have proved who they are.",
    ),
]
Code = Annotated[str, Meta(pattern="^[a-z_]+$", description="Stable: a program decides by this.")]
Detail = Annotated[str, Meta(description="A sentence for people.")]
RequestId = Annotated[
    str,
    Meta(
        pattern="^[0-9a-f]{16}$",
        description="The number of `X-Request-Id`, which is also in the log.",
    ),
]
