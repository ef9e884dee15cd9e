"""A stack of one's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.local.ports import free_port
from tests.support.dev import Dev


@pytest.fixture
def dev(reachable_path: Path) -> Iterator[Dev]:
    dev = Dev(reachable_path / "a state", free_port(), free_port())
    yield dev
    dev("down")
