"""Each threat names a test that exists."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()
TABLE = re.compile(r"^\| threat \| answer \| proven by \|\n\|[-|]+\|\n((?:\|.*\n)+)", re.MULTILINE)
ROWS = [row for table in TABLE.findall(PAGE) for row in table.splitlines()]
NAMED = re.compile(r"`((?:tests/[\w/]+\.py)|(?:test_\w+))`")


def proofs(row: str) -> list[str]:
    return NAMED.findall(row.rpartition("|")[0].rpartition("|")[2])


def test_every_threat_names_a_test() -> None:
    assert len(ROWS) > 40
    assert [row for row in ROWS if not proofs(row)] == []


def test_every_test_that_is_named_exists() -> None:
    paths = list((ROOT / "tests").rglob("test_*.py"))
    there = {str(path.relative_to(ROOT)) for path in paths}
    there |= {name for path in paths for name in re.findall(r"def (test_\w+)\(", path.read_text())}

    assert {proof for row in ROWS for proof in proofs(row)} - there == set()


def test_the_figures_of_fuzzing_are_there() -> None:
    made = PAGE.split("<!-- made: fuzz -->")[1].split("<!-- end -->")[0]

    assert [line for line in made.splitlines() if line.startswith("| api |")]
