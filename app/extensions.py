"""The Flask extensions, unbound; `create_app` binds them."""

from __future__ import annotations

from typing import Final

from flask_migrate import Migrate
from flask_wtf import CSRFProtect

csrf: Final = CSRFProtect()
migrate: Final = Migrate()
