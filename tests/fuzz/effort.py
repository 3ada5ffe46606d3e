"""How hard the fuzzers try: bounded and alike each time, or long and different each time.

`make fuzz` chooses the long form; a failure of it prints how to repeat it.
"""

import os
from typing import Final

from hypothesis import HealthCheck, settings

LONG: Final = os.environ.get("HYPOTHESIS_PROFILE") == "long"
TIMES_LONGER: Final = 20
# Real servers are slow to start and to stop; what a fuzzer needs is bounded by its examples.
SECONDS: Final = 7200 if LONG else 900


def effort(examples: int, steps: int = 50) -> settings:
    """Return the settings of a fuzzer that makes do with so many examples in the short form."""
    return settings(
        max_examples=examples * TIMES_LONGER if LONG else examples,
        stateful_step_count=steps,
        derandomize=not LONG,
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
