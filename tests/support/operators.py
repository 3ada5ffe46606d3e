"""Operators, whose ids a test learns only after the application was built."""

from dataclasses import replace

from flask import Flask

from app.services import NAME, Services


def make_operator(app: Flask, user_id: str) -> None:
    services: Services = app.extensions[NAME]
    operators = services.settings.operators | {user_id}
    app.extensions[NAME] = replace(
        services, settings=replace(services.settings, operators=operators)
    )
