"""Each promise of the comparison has a test of that name."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROWS = [
    line for line in (ROOT / "docs" / "compared.md").read_text().splitlines() if "`test_" in line
]


def test_every_test_that_is_named_exists() -> None:
    written = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    defined = set(re.findall(r"def (test_\w+)\(", written))

    named = {name for row in ROWS for name in re.findall(r"`(test_\w+)`", row)}

    assert named - defined == set()


def test_every_complaint_names_a_test() -> None:
    table = (ROOT / "docs" / "compared.md").read_text().split("|---|---|---|---|\n")[1]

    assert table.split("\n\n")[0].count("\n") + 1 == len(ROWS)
