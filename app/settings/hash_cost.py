"""Read the cost of password hashes; it is never below the minimum of OWASP."""

from __future__ import annotations

from typing import Final

from app.settings.reader import Reader

# Memory in KiB, and passes. Each pair is an accepted minimum for Argon2id with one lane (OWASP
# Password Storage Cheat Sheet).
ARGON2_FLOOR: Final = ((47104, 1), (19456, 2), (12288, 3), (9216, 4), (7168, 5))


def argon2(reader: Reader) -> tuple[int, int, int]:
    """Return memory in KiB, passes over it, and lanes."""
    memory = reader.number("ARGON2_MEMORY_KIB", 47104, 8, 4194304)
    passes = reader.number("ARGON2_TIME", 1, 1, 100)
    lanes = reader.number("ARGON2_PARALLELISM", 1, 1, 64)
    if not any(memory >= m and passes >= t for m, t in ARGON2_FLOOR):
        floor = ", ".join(f"{m} KiB with time {t}" for m, t in ARGON2_FLOOR)
        reader.fault("ARGON2_MEMORY_KIB", "is below the OWASP minimum", f"use at least {floor}")
    return memory, passes, lanes
