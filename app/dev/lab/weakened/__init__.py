"""The weakened variants: for each entry of the catalogue, code that lets its attack through.

Each replaces one function or constant of the real code, in a process of its own
(`app.dev.lab.weakened_instance`).
"""

from __future__ import annotations

from typing import Final

from app.dev.lab.weakened import (
    capacity_variants,
    login_variants,
    page_variants,
    session_variants,
    token_variants,
)
from app.dev.lab.weakened.variant import WeakenedVariant

VARIANTS: Final[tuple[WeakenedVariant, ...]] = tuple(
    found
    for module in (
        token_variants,
        session_variants,
        page_variants,
        login_variants,
        capacity_variants,
    )
    for found in vars(module).values()
    if isinstance(found, WeakenedVariant)
)


def variants_of(slug: str) -> tuple[WeakenedVariant, ...]:
    """Return the weakened variants for an entry; the lab shows the first."""
    return tuple(variant for variant in VARIANTS if variant.slug == slug)
