"""Each attack finds each line of defense that it is about, when that line alone is undone."""

import ast
from collections.abc import Callable

import pytest
from flask import Flask

from app.attacks.registry import ATTACKS
from app.attacks.run import Run
from app.attacks.steps import Exchange
from app.auth import admin
from app.auth.login import log_in
from app.dev.lab.forked_instance import ForkedInstance
from app.dev.lab.weakened import VARIANTS, variants_of
from app.dev.lab.weakened.session_end_variants import only_the_password_changes
from app.dev.lab.weakened.variant import WeakenedVariant, found, source_of
from app.dev.lab.weakened_instance import weakened_instance
from app.errors import WrongPassword
from app.families.issuer import PresentedCredentials
from app.infra.audit import Client
from app.services import NAME
from app.tokens import codec
from config import ROOT, Settings
from tests.attacks.attacker import attack, faults

NAMES = [variant.name for variant in VARIANTS]


@pytest.mark.parametrize("variant", VARIANTS, ids=NAMES)
def test_an_attack_finds_the_line_that_is_undone(
    variant: WeakenedVariant,
    running: Settings,
    against_sound: Callable[[str], Run],
) -> None:
    """It gets through where the sound instance held, and by an answer, not by a crash."""
    with weakened_instance(variant.name, running, ForkedInstance) as target:
        through = attack(target, variant.slug)
    assert through.verdict == "got_through", through.why
    steps = through.record.steps
    assert all(step.status != 500 for step in steps if isinstance(step, Exchange))
    fell = {finding.by for finding in through.record.findings if not finding.held}
    held = {finding.by for finding in against_sound(variant.slug).record.findings if finding.held}
    assert fell <= held


@pytest.mark.parametrize("slug", ATTACKS)
def test_a_sound_instance_holds(slug: str, against_sound: Callable[[str], Run]) -> None:
    """The control: the same process with nothing undone. What is said to defend exists."""
    held = against_sound(slug)
    assert not faults(held)
    for by in {finding.by for finding in held.record.findings}:
        path, _, name = by.partition(":")
        if path.endswith(".py"):
            found(by)
        else:
            assert name in (ROOT / path).read_text(encoding="utf-8")


def test_every_attack_has_a_weakened_variant() -> None:
    assert {variant.slug for variant in VARIANTS} == set(ATTACKS)
    assert len(set(NAMES)) == len(VARIANTS)
    assert sorted(n.name for slug in ATTACKS for n in variants_of(slug)) == sorted(NAMES)


@pytest.mark.parametrize("variant", VARIANTS, ids=NAMES)
def test_it_can_be_shown_beside_the_real_code(variant: WeakenedVariant) -> None:
    assert variant.summary.endswith(".")
    assert "\n" not in variant.summary
    _, name = found(variant.instead_of)
    (shown,) = ast.parse(variant.source).body
    if isinstance(shown, ast.Assign):
        assert ast.unparse(shown.targets[0]) == name
    else:
        assert isinstance(shown, ast.FunctionDef)
        assert shown.name == name
    assert "noqa" not in variant.source


def test_code_that_is_gone_is_not_found() -> None:
    with pytest.raises(AttributeError):
        found("app/web/origin.py:check_nothing")
    with pytest.raises(ImportError):
        found("app/web/nowhere.py:check_origin")


def test_code_is_shown_without_what_is_said_about_it() -> None:
    assert '"""' not in source_of(codec.Codec.verify)
    assert source_of(codec.Codec.verify).startswith("def verify(self, token: str, now: int) -> C:")
    assert source_of(codec._py_jwt).startswith("def _py_jwt(")  # noqa: SLF001


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_one_line_is_undone_and_not_the_next(app: Flask) -> None:
    """Where a password change ends no session, it still asks for the right password."""
    auth, email, password = app.extensions[NAME].auth, "a@example.com", "quarry umbrella 1729"
    admin.create(auth, email, password)
    pair = log_in(auth, email, password, Client(), PresentedCredentials(), remember=False)
    with pytest.raises(WrongPassword):
        only_the_password_changes.replacement(
            auth, pair.session_id, "wrong", "another one 1729", Client()
        )
