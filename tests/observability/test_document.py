"""docs/observability.md tells of all dashboards and alerts, and of none that are not there."""

import re

from tests.observability.files import ROOT, alerts, dashboards, kebab

PAGE = (ROOT / "docs" / "observability.md").read_text()


def test_every_alert_is_listed_with_its_severity_and_runbook() -> None:
    rows = re.findall(r"^\| \[(\w+)\]\(runbooks/([\w-]+)\.md\) \| (\w+) \|", PAGE, re.MULTILINE)

    assert {(name, severity) for name, _, severity in rows} == {
        (name, rule["labels"]["severity"]) for name, rule in alerts().items()
    }
    assert all(kebab(name) == runbook for name, runbook, _ in rows)


def test_every_dashboard_is_listed_with_where_its_data_come_from() -> None:
    rows = dict(re.findall(r"^\| ([\w ]+) \| .+ \| (VictoriaMetrics.*) \|$", PAGE, re.MULTILINE))

    for dashboard in dashboards().values():
        uses_cloudwatch = "'type': 'cloudwatch'" in str(dashboard)
        assert ("CloudWatch" in rows.pop(dashboard["title"])) == uses_cloudwatch
    assert not rows


def test_rows_with_data_of_aws_say_so() -> None:
    for dashboard in dashboards().values():
        row = ""
        for panel in dashboard["panels"]:
            row = panel["title"] if panel["type"] == "row" else row
            if panel.get("datasource", {}).get("type") == "cloudwatch":
                assert row.endswith("(CloudWatch)"), panel["title"]
            else:
                assert panel["type"] == "row" or "CloudWatch" not in row
