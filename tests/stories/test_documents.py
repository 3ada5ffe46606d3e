"""What the documents say of mutants that survive, and of what is out of reach."""

from __future__ import annotations

import pytest

from config import ROOT
from tests.mutants.__main__ import ENOUGH, ENTRY, PAGE
from tests.mutants.breeding import all_mutants


def test_every_mutant_that_survives_is_still_bred() -> None:
    """The page explains mutants of the code as it is, and few enough."""
    explained = ENTRY.findall(" ".join(PAGE.read_text(encoding="utf-8").split()))
    bred = [str(mutant) for mutant in all_mutants()]
    assert set(explained) <= set(bred)
    assert sum(name in explained for name in bred) <= (1 - ENOUGH) * len(bred)


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
