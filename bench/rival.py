"""djangorestframework-simplejwt at its best, with rotation and its blacklist.

Its refresh reads the user's row and remembers each token that it gave or took. Nothing is
switched on that a refresh does not need: no middleware, no authentication, no throttle, JSON
alone. Connections to the database persist. SQLite runs as Latchkey's does: WAL, full
synchronisation, the write lock taken at once.

gunicorn serves `bench.rival:application`; `python -m bench.rival N` migrates the database that
DATABASE_URL names and prints N refresh tokens of as many users.
"""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.urls import path
from sqlalchemy.engine import make_url


def database(url: str) -> dict[str, Any]:
    """Say in Django's words where the database is, and how to use it."""
    where = make_url(url)
    if where.get_backend_name() == "sqlite":
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": where.database,
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
            },
        }
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": where.database,
        "USER": where.username,
        "HOST": where.query["host"],
        "CONN_MAX_AGE": None,
    }


settings.configure(
    SECRET_KEY="x" * 64,
    DEBUG=False,
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    MIDDLEWARE=[],
    DATABASES={"default": database(os.environ["DATABASE_URL"])},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "rest_framework",
        "rest_framework_simplejwt",
        "rest_framework_simplejwt.token_blacklist",
    ],
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_PERMISSION_CLASSES": [],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    },
    SIMPLE_JWT={
        "ACCESS_TOKEN_LIFETIME": timedelta(minutes=10),
        "REFRESH_TOKEN_LIFETIME": timedelta(hours=12),
        "ROTATE_REFRESH_TOKENS": True,
        "BLACKLIST_AFTER_ROTATION": True,
    },
)
django.setup()

from rest_framework_simplejwt.views import TokenRefreshView  # noqa: E402 - reads the settings

urlpatterns = [path("refresh", TokenRefreshView.as_view())]
application = get_wsgi_application()


def main() -> None:
    """Migrate, and print tokens."""
    from django.contrib.auth.models import User  # noqa: PLC0415 - not before `setup`
    from rest_framework_simplejwt.tokens import RefreshToken  # noqa: PLC0415 - likewise

    call_command("migrate", verbosity=0)
    for number in range(int(sys.argv[1])):
        print(RefreshToken.for_user(User.objects.create_user(f"bench-{number}")))


if __name__ == "__main__":
    main()
