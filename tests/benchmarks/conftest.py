"""What is measured is started as in production."""

from collections.abc import Iterator

import pytest

from tests.support.processes import starting_python


@pytest.fixture(autouse=True)
def _not_forked() -> Iterator[None]:
    with starting_python():
        yield
