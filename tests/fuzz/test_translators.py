"""A little of `./dev fuzz --only translators`, the same examples in every run."""

import pytest

from tests.fuzz.translators import PROPERTIES, fuzz
from tests.support.length import length

CASES = length(40, 100)


@pytest.mark.parametrize("name", PROPERTIES)
def test_translations_keep_their_promise(name: str) -> None:
    figures = fuzz(name, CASES, 0, fixed=True)

    assert [finding.said for finding in figures.findings] == []
    assert figures.cases >= CASES
