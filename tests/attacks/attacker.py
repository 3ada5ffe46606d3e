"""Running one attack as `flask attack` does: on an account that is thrown away."""

from app.attacks.run import Run, run
from app.attacks.target import Target
from app.attacks.throwaway_accounts import throwaway


def attack(target: Target, slug: str) -> Run:
    with throwaway(target.settings) as account:
        return run(slug, target, account)


def faults(found: Run) -> list[str]:
    """Say what is wrong with a run that should have been held."""
    fallen = [finding.text for finding in found.record.findings if not finding.held]
    return [] if found.verdict == "held" else [found.slug, found.verdict, found.why, *fallen]
