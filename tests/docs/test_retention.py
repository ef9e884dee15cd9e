"""Every table has a line that says how long its rows are kept."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCHEMA = "".join(f.read_text() for f in (ROOT / "app" / "database" / "schema").glob("*.sql"))
PAGE = (ROOT / "docs" / "operations.md").read_text()


def test_every_table_is_in_the_table_of_retention() -> None:
    section = PAGE.split("## Data retention", 1)[1].split("\n## ", 1)[0]
    listed = set(re.findall(r"`([a-z_]+)`", section))
    tables = set(re.findall(r"^CREATE TABLE (\w+)", SCHEMA, re.MULTILINE))

    assert len(tables) > 15
    assert tables - {"spend_log_rest"} <= listed
