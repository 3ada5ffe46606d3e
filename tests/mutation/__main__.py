"""`make mutants`: test every mutant of the core, and compare the survivors with those accepted.

It fails when fewer than 95 % are killed, when a mutant survives that is not in survivors.txt, and
when a mutant of survivors.txt is gone or is killed. docs/mutation.md says in words why those that
are accepted do no harm. RENEW=1 accepts the survivors of a run of all mutants: it writes the list.
"""

import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import pytest
from mutmut.configuration import config

from tests.mutation.generate import Breeder, Mutant
from tests.mutation.run import HUNG, KILLED, Trial

ACCEPTED = Path(__file__).with_name("survivors.txt")
ENOUGH = 0.95


def main(prefixes: list[str]) -> int:
    """Try the mutants whose module and function begin with one of `prefixes`, or all."""

    def wanted(mutant: Mutant) -> bool:
        name = f"{mutant.module} {mutant.where}"
        return not prefixes or name.startswith(tuple(prefixes))

    began = time.monotonic()
    sys.meta_path.insert(0, Breeder)
    accepted = set(ACCEPTED.read_text(encoding="utf-8").splitlines())
    trial = Trial(wanted, accepted, report, int(os.environ.get("JOBS", "1")))
    options = [
        "-qqq",
        "-s",
        "--tb=no",
        "--no-header",
        "--no-summary",
        *config().pytest_add_cli_args,
    ]
    with tempfile.TemporaryDirectory(prefix="latchkey-") as folder:
        tempfile.tempdir = folder
        selection = config().pytest_add_cli_args_test_selection
        failed = pytest.main([*options, *selection], plugins=[trial])
    if failed:
        return int(failed)
    print_scores(trial.verdicts)
    print(f"{time.monotonic() - began:.0f} s")
    return judge(trial.verdicts, accepted, whole=not prefixes)


def report(mutant: Mutant, verdict: str, by: str) -> None:
    """Say what became of one."""
    print(f"{verdict:9}{mutant} {by}", flush=True)


def print_scores(verdicts: dict[Mutant, str]) -> None:
    """Print how many were killed, by module."""
    total = Counter(mutant.module for mutant in verdicts)
    killed = Counter(mutant.module for mutant, verdict in verdicts.items() if dead(verdict))
    print()
    for module in total:
        print(f"| `{module}` | {killed[module]} / {total[module]} |")


def judge(verdicts: dict[Mutant, str], accepted: set[str], *, whole: bool) -> int:
    """Compare with the threshold and the accepted survivors; return the exit status."""
    killed = sum(map(dead, verdicts.values()))
    survivors = {str(mutant) for mutant, verdict in verdicts.items() if not dead(verdict)}
    if whole and os.environ.get("RENEW"):
        ACCEPTED.write_text("".join(f"{name}\n" for name in sorted(survivors)), encoding="utf-8")
        accepted = survivors
    tried = {str(mutant) for mutant in verdicts}
    faults = [f"survives: {name}" for name in sorted(survivors - accepted)]
    over = accepted - survivors if whole else accepted & tried - survivors
    faults += [f"accepted, and no survivor: {name}" for name in sorted(over)]
    if killed < ENOUGH * len(verdicts):
        faults.append(f"fewer than {ENOUGH:.0%} were killed")
    print(*faults, sep="\n")
    print(f"{killed} of {len(verdicts)} mutants killed, {killed / len(verdicts):.1%}")
    return 1 if faults else 0


def dead(verdict: str) -> bool:
    """Tell whether the tests noticed: one failed, or was still not done after a minute."""
    return verdict in {KILLED, HUNG}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
