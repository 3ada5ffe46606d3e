"""What the fuzzers share is asserted as plainly as in a test."""

import pytest

pytest.register_assert_rewrite("tests.fuzz.checks", "tests.fuzz.machine", "tests.fuzz.world")
