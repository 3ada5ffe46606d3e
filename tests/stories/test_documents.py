"""What the documents say of what is out of reach."""

from __future__ import annotations

import pytest

from config import ROOT


@pytest.mark.parametrize(
    "who",
    [
        "Script running in the page",
        "Malware with the user's rights on the device",
        "A hostile server operator, or host",
        "A stolen unlocked device",
    ],
)
def test_what_is_out_of_reach_is_said_with_what_bounds_it(who: str) -> None:
    """Each in a row of its own: who, why, and what bounds it."""
    page = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    (row,) = [line for line in page.splitlines() if line.startswith(f"| **{who}** |")]
    _, _, why, bound, _ = (cell.strip() for cell in row.split("|"))
    assert why
    assert bound
