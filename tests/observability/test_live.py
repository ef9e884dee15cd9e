"""What dashboards, rules and documents ask for is there, asked of a real VictoriaMetrics that
watches a real gateway."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from tests.observability.conftest import Watched
from tests.observability.files import (
    ROOT,
    RUNBOOKS,
    Query,
    dashboards,
    documented_metrics,
    panels,
    recorded,
    rules,
)
from tests.support.waiting import until

NAME = re.compile(
    r"\b(?:up|ALERTS|(?:litellm|gateway|process|user|vm|vmalert|alertmanager)[_:][\w:]+)"
)
OF_OTHERS = ("vm_", "vmalert_", "alertmanager_")
NEEDS_TROUBLE = {
    "gateway_unsupported_params_dropped_total": "Bedrock has to know less than the catalogue says",
    "gateway_guardrail_interventions_total": "a guardrail has to intervene",
    "gateway_recovered_requests_total": "a gateway has to die with requests in flight",
    "litellm_zero_cost_requests_total": "a model has to have no price",
    'gateway_rejections_total{error="database_unavailable"}': "the database has to be away",
    "up == 0": "a task has to be gone",
    'absent(up{job="gateway"}': "the gateway has to be gone",
}
"""Queries that hold one of these have no result under a load where all goes well."""


def panel_queries() -> Iterator[Query]:
    for name, dashboard in dashboards().items():
        for panel in panels(dashboard):
            for target in panel.get("targets", []):
                if "expr" in target:
                    legend = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
                    links = {
                        override["matcher"]["options"]
                        for override in panel["fieldConfig"]["overrides"]
                        if any(one["id"] == "links" for one in override["properties"])
                    }
                    yield Query(
                        f"{name}: {panel['title']}", target["expr"], frozenset(legend | links)
                    )


def rule_queries() -> Iterator[Query]:
    for rule in rules():
        told = str(rule.get("annotations", ""))
        labels = frozenset(re.findall(r"\$labels\.(\w+)", told))
        if "alert" in rule:
            yield Query(rule["alert"], without_bounds(rule["expr"]), labels)
        else:
            yield Query(rule["record"], rule["expr"])


def page_queries() -> Iterator[Query]:
    for page in (*RUNBOOKS, ROOT / "docs" / "observability.md"):
        for text in re.findall(r"```promql\n(.+?)\n```", page.read_text(), re.DOTALL):
            yield Query(page.name, text)


def all_queries() -> list[Query]:
    return [*panel_queries(), *rule_queries(), *page_queries()]


def runnable(text: str) -> str:
    """With what Grafana would put in place of its variables."""
    text = text.replace("$__rate_interval", "1m").replace("$__range", "10m")
    return re.sub(r"\$(user|key|model)\b", ".*", text)


def without_bounds(text: str) -> str:
    """An alert's expression that has a result though all is well."""
    return re.sub(r"(?<=[\w\])])\s*(?:>=|<=|==|>|<) *[-\d.]+(?: \* [\d.]+)?", "", text)


@pytest.mark.skipif(
    not shutil.which("promtool"), reason="promtool is missing: apt-get install prometheus"
)
def test_every_expression_is_plain_promql(tmp_path: Path) -> None:
    records = [
        {"record": f"query:{number}", "expr": runnable(query.text)}
        for number, query in enumerate(all_queries())
    ]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": records}]}))

    done = subprocess.run(
        ["promtool", "check", "rules", str(file)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_metric_that_is_asked_for_is_documented_recorded_or_another_servers() -> None:
    known = documented_metrics() | recorded() | {"up", "ALERTS"}

    for query in all_queries():
        names = {name for name in NAME.findall(query.text) if not name.startswith(OF_OTHERS)}
        assert names <= known, (query.where, names - known)


def test_what_is_excused_is_asked_for() -> None:
    for part in NEEDS_TROUBLE:
        assert any(part in query.text for query in all_queries()), part


async def test_every_panel_rule_and_documented_query_finds_what_it_promises(
    watched: Watched,
) -> None:
    def kept(query: Query) -> bool:
        found = watched.metrics.query(runnable(query.text))
        if any(part in query.text for part in NEEDS_TROUBLE):
            return True
        return bool(found) and all(query.labels <= series["metric"].keys() for series in found)

    broken = all_queries()

    def all_kept() -> bool:
        broken[:] = [query for query in broken if not kept(query)]
        return not broken

    with suppress(TimeoutError):
        await until(all_kept, seconds=60)
    assert not broken, "\n".join(map(str, broken))


def test_the_variables_of_dashboards_have_values(watched: Watched) -> None:
    for dashboard in dashboards().values():
        for variable in dashboard["templating"]["list"]:
            query = variable["query"]
            if variable["type"] != "query" or "query" not in query:
                continue
            found = re.fullmatch(r"label_values\((\w+), (\w+)\)", query["query"])
            assert found, query
            metric, label = found.groups()
            values = {row["metric"][label] for row in watched.metrics.query(metric)}
            assert any(re.search(variable["regex"].strip("/"), value) for value in values), query


async def test_an_alert_comes_out_at_the_other_end_with_its_first_step(watched: Watched) -> None:
    def fired(name: str) -> list[dict[str, dict[str, str]]]:
        return [a for a in watched.messages if a["labels"]["alertname"] == name]

    await until(lambda: fired("HighErrorRate") and fired("TokenQuotaExceeded"))

    failing, poor = fired("HighErrorRate")[0], fired("TokenQuotaExceeded")[0]
    assert failing["labels"]["severity"] == "page"
    assert re.match(r"[\d.]+% of requests fail", failing["annotations"]["summary"])
    assert failing["annotations"]["runbook"] == "docs/runbooks/high-error-rate.md"
    assert (poor["labels"]["user"], poor["labels"]["severity"]) == ("poor", "ticket")
    assert poor["annotations"]["summary"].startswith("poor (laptop-of-poor) is refused")
