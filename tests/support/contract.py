"""The JSON endpoints and their document, to make a test for each of them before any app runs."""

import json
import re
from typing import Any, Final

from werkzeug.routing import Rule

from app import create_app
from app.contract.endpoints import endpoints
from app.contract.openapi import document
from config import Settings, new_secret
from tests.support.app import PUBLIC_URL

# Nothing is asked of this application: its routes are read.
_ENVIRONMENT: Final = {
    "APP_ENV": "testing",
    "JWT_SECRET": new_secret(),
    "SECRET_KEY": new_secret(),
    "MAIL_URL": "smtp://127.0.0.1:1",
    "MAIL_FROM": "accounts@localhost",
    "PUBLIC_URL": PUBLIC_URL,
    "DATABASE_URL": "sqlite:////nowhere/at/all.db",
    "REDIS_URL": "unix:///nowhere",
}
_APP: Final = create_app(Settings.from_env(_ENVIRONMENT))

ENDPOINTS: Final = endpoints(_APP)
OWN: Final = [one for one in ENDPOINTS if not one.view.__module__.startswith("app.features.")]
DOCUMENT: Final[dict[str, Any]] = json.loads(document(_APP))


def arguments_of(rule: Rule, text: str) -> dict[str, str]:
    """Return a value for each argument of a path: `text`, or a number where one is needed."""
    found = re.findall(r"<(?:(int|float)\b[^<>]*:|[^<>]*:)?(\w+)>", rule.rule)
    return {name: "1" if number else text for number, name in found}


def path_of(rule: Rule, text: str) -> str:
    path = re.sub(r"<(?:[^<>]*:)?(\w+)>", r"{\1}", rule.rule)
    return path.format_map(arguments_of(rule, text))
