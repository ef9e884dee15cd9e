"""Every metric is documented, in words."""

import re
from pathlib import Path

from app.telemetry.metrics import Metrics

PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()


def test_each_metric_has_a_row_and_each_row_a_metric() -> None:
    types = re.findall(r"^# TYPE (\S+) ", Metrics().exposition().decode(), re.MULTILINE)

    assert set(types) == set(re.findall(r"^\| `(\w+)`", PAGE, re.MULTILINE))


def test_each_row_says_what_it_tells() -> None:
    rows = re.findall(r"^\| `\w+` \|.*\| (.*) \|$", PAGE, re.MULTILINE)

    assert len(rows) > 40
    assert all(told.endswith(".") for told in rows)
