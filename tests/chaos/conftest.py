"""What the stories of a worker share."""

from collections.abc import Iterator

import pytest

from tests.chaos import stories


@pytest.fixture(scope="session")
def ground() -> Iterator[stories.Ground]:
    with stories.ground() as found:
        yield found
