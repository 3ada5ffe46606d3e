"""The WSGI entry point: `gunicorn wsgi:app`, `flask --app wsgi`."""

import sys

from app import create_app
from config import Settings, SettingsError

try:
    app = create_app(Settings.from_env())
except SettingsError as error:
    sys.exit(str(error))
