"""Every metric is documented."""

import re
from pathlib import Path

from app.telemetry.metrics import Metrics

PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()


def test_each_metric_has_a_row_and_each_row_a_metric() -> None:
    types = re.findall(r"^# TYPE (\S+) ", Metrics().exposition().decode(), re.MULTILINE)
    exposed = {name for name in types if not name.endswith("_created")}

    assert exposed == set(re.findall(r"^\| `(\w+)`", PAGE, re.MULTILINE))
