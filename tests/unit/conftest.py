"""Parts of the application on real servers, without the application around them."""

from collections.abc import Callable, Iterator

import pytest

from app.infra.database import Database
from tests.support.log import Log


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.engine.dispose()


@pytest.fixture
def log_of() -> Iterator[Callable[[str], Log]]:
    """A function that collects what the logger of that name is told."""
    opened: list[Log] = []

    def collect(name: str) -> Log:
        opened.append(Log(name))
        return opened[-1]

    yield collect
    for log in opened:
        log.shut()
