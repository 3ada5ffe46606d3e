"""The WSGI entry point, for `gunicorn wsgi:app` and `flask --app wsgi`.

A bad environment ends the process with the report of all faults.
"""

import sys

from app import create_app
from config import Settings, SettingsError

try:
    settings = Settings.from_env()
except SettingsError as error:
    sys.exit(str(error))

app = create_app(settings)
if settings.env == "development":
    from app.dev.install import install

    install(app)
