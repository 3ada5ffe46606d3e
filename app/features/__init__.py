"""Where a product built on Latchkey lives: one package a feature, one line in `FEATURES`.

A feature is a package in this folder whose `__init__.py` has a variable `feature`. It may import
`app.feature`, `app.web`, `app.services` and `app.auth`. Nothing of Latchkey has to learn about it.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from click import ClickException
from flask import Flask

from app.feature import Feature
from config import ROOT

FEATURES: Final[tuple[str, ...]] = ()


class FeaturesError(ClickException):
    """`FEATURES` is not a tuple of the names of packages in this folder.

    `flask` prints the message of a ClickException without a traceback.
    """


def check_names() -> None:
    """Check `FEATURES` without importing a package.

    Raises:
        FeaturesError: when it is not a tuple, such as `("notes")` without the comma, or names a
            package that does not exist.

    """
    names: object = FEATURES
    if not isinstance(names, tuple):
        raise FeaturesError(
            f"FEATURES in app/features/__init__.py is {names!r} and not a tuple of names: "
            'write ("name",) with a comma after each name.'
        )
    for name in names:
        if not str(name).isidentifier() or find_spec(f"{__name__}.{name}") is None:
            raise FeaturesError(
                f"FEATURES in app/features/__init__.py names {name!r}, but there is no package "
                f"app/features/{name}: correct the name, or add the package."
            )


def load() -> tuple[Feature, ...]:
    """Import the packages that `FEATURES` names and return what they add.

    Raises:
        FeaturesError: see `check_names`.

    """
    check_names()
    return tuple(import_module(f"{__name__}.{name}").feature for name in FEATURES)


def install(app: Flask, features: tuple[Feature, ...]) -> None:
    """Register the blueprints of `features`."""
    for feature in features:
        for blueprint in feature.blueprints:
            app.register_blueprint(blueprint)


def revision_folders() -> list[Path]:
    """Return the folders with database revisions: Latchkey's own, then each feature's."""
    folders = [Path(__file__).with_name(name) / "migrations" for name in FEATURES]
    return [ROOT / "migrations" / "versions", *(one for one in folders if one.is_dir())]
