"""Of the three lines that the lab offers for an attack, one stops it."""

import pytest

from app.attacks.registry import ATTACKS
from app.dev.lab.choices import LINES, choices_of
from app.dev.lab.forked_instance import ForkedInstance
from app.dev.lab.weakened import VARIANTS, variants_of
from app.dev.lab.weakened_instance import weakened_instance
from config import ROOT, Settings
from tests.attacks.attacker import attack, faults

# One wrong line of each attack: all of them take minutes, and the lab runs what is chosen anyway.
OTHERS = {
    slug: choice.variant
    for slug in ATTACKS
    for choice in choices_of(slug)
    if choice.variant != variants_of(slug)[0].name
}


@pytest.mark.parametrize(("slug", "variant"), OTHERS.items(), ids=OTHERS)
def test_the_attack_is_blocked_without_another_line(
    slug: str, variant: str, running: Settings
) -> None:
    with weakened_instance(variant, running, ForkedInstance) as target:
        assert not faults(attack(target, slug))


@pytest.mark.parametrize("slug", ATTACKS)
def test_three_different_lines(slug: str) -> None:
    choices = choices_of(slug)
    assert variants_of(slug)[0].name in {choice.variant for choice in choices}
    assert len({choice.variant for choice in choices}) == 3
    assert len({choice.line for choice in choices}) == 3


def test_the_real_line_is_at_no_place_of_its_own() -> None:
    places = {
        [choice.variant for choice in choices_of(slug)].index(variants_of(slug)[0].name)
        for slug in ATTACKS
    }
    assert places == {0, 1, 2}


@pytest.mark.parametrize("name", LINES)
def test_the_line_is_in_the_file_of_the_defense(name: str) -> None:
    (variant,) = (variant for variant in VARIANTS if variant.name == name)
    path, _, _ = variant.instead_of.partition(":")
    source = (ROOT / path).read_text(encoding="utf-8")
    assert LINES[name] in " ".join(source.split())
