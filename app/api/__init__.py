"""The JSON delivery."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask

from app.api import (
    account,
    change_of_address,
    health,
    notices,
    openapi,
    personal_data,
    reauthentication,
    recovery,
    registration,
    session,
)


def install(app: Flask, document: Callable[[Flask], bytes]) -> None:
    """Register the JSON endpoints; `document` makes the OpenAPI document of the application."""
    for module in (
        registration,
        session,
        reauthentication,
        recovery,
        change_of_address,
        notices,
        personal_data,
        account,
        health,
    ):
        app.register_blueprint(module.blueprint)
    openapi.install(app, document)
