"""Each promise of reliability names a test that exists, and the figures are of a run."""

import re
from pathlib import Path

from tests.chaos.stories import STORIES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reliability.md").read_text()
PROMISES = PAGE.partition("## Guarantees")[2].partition("\n## ")[0]


def test_every_promise_names_tests_that_exist() -> None:
    written = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    defined = set(re.findall(r"def (test_\w+)\(", written))
    rows = [line for line in PROMISES.splitlines() if line.startswith("| ")][2:]

    for row in rows:
        named = set(re.findall(r"`(test_\w+)`", row))
        assert named, row
        assert named <= defined, row


def test_the_table_has_every_story() -> None:
    table = PAGE.partition("<!-- made: chaos -->")[2].partition("<!-- end -->")[0]

    assert re.findall(r"\(`([\w-]+)`\) \|", table) == [story.name for story in STORIES]


def test_nothing_in_the_table_was_wrong() -> None:
    assert "see below" not in PAGE
