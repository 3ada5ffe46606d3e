"""The Flask extension, unbound; `create_app` binds it."""

from __future__ import annotations

from typing import Final

from flask_wtf import CSRFProtect

csrf: Final = CSRFProtect()
