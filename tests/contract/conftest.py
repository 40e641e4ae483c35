"""What contract suites run on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gatehouse_common.db import Database


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    """An empty index, in a database of every kind there is."""
    made = Database(database_url)
    made.upgrade()
    yield made
    made.close()
