"""On which databases a test runs."""

from typing import Final

import pytest

# For tests of what no SQL decides: headers, forms, tokens, limits in Redis. Every other test that
# takes `database_url`, also by way of `app`, runs once on SQLite and once on PostgreSQL.
one_database: Final = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
