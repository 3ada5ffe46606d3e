"""The weakened variants: for each entry of the catalogue, code that lets its attack through.

Each replaces one function or constant of a defense, in the process of a weakened instance
(`app.dev.lab.instance_process`).
"""

from __future__ import annotations

from typing import Final

from app.dev.lab.weakened import (
    algorithm_variants,
    capacity_variants,
    claim_variants,
    key_variants,
    mail_variants,
    page_variants,
    password_variants,
    proof_variants,
    rotation_variants,
    session_end_variants,
    session_start_variants,
    spelling_variants,
)
from app.dev.lab.weakened.variant import WeakenedVariant

MODULES: Final = (
    claim_variants,
    algorithm_variants,
    key_variants,
    spelling_variants,
    rotation_variants,
    session_start_variants,
    session_end_variants,
    proof_variants,
    page_variants,
    password_variants,
    mail_variants,
    capacity_variants,
)
VARIANTS: Final[tuple[WeakenedVariant, ...]] = tuple(
    found
    for module in MODULES
    for found in vars(module).values()
    if isinstance(found, WeakenedVariant)
)


def variants_of(slug: str) -> tuple[WeakenedVariant, ...]:
    """Return the weakened variants for an entry; the lab shows the first."""
    return tuple(variant for variant in VARIANTS if variant.slug == slug)
