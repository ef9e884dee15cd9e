"""Each alert fires when it should and is silent when it should, by Prometheus's own judgement."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.observability.files import (
    LOCAL_ALERTMANAGER,
    PLATFORM_ALERTMANAGER,
    RULES,
    SCRAPE,
    alerts,
    group_names,
)
from tests.observability.servers import require

needs_promtool = pytest.mark.skipif(
    not shutil.which("promtool"), reason="promtool is missing: apt-get install prometheus"
)

REQUESTS = 'litellm_proxy_total_requests_metric_total{status_code="200"}'
BROKE = 'litellm_proxy_failed_requests_metric_total{exception_class="upstream_broke"}'
REFUSED = 'litellm_proxy_failed_requests_metric_total{exception_class="rate_limited"}'
OVERHEAD = "litellm_overhead_latency_metric"
WHOLE = "litellm_request_total_latency_metric"
FIRST = "litellm_llm_api_time_to_first_token_metric"
BEDROCK = 'litellm_deployment_total_requests_total{requested_model="opus"}'
THROTTLED = (
    "litellm_deployment_failure_responses_total"
    '{requested_model="opus", exception_class="upstream_throttled"}'
)
OVER_BUDGET = (
    "litellm_proxy_failed_requests_metric_total"
    '{user="ada", api_key_alias="laptop", exception_class="budget_exceeded"}'
)
SPEND = 'litellm_spend_metric_total{user="ada"}'
LEFT = 'litellm_remaining_user_budget_metric{user="ada"}'
MOST = 'litellm_user_max_budget_metric{user="ada"}'
HOURS = 'litellm_user_budget_remaining_hours_metric{user="ada"}'
FREE = 'litellm_zero_cost_requests_total{requested_model="own-model"}'
GATEWAY = 'up{job="gateway", instance="10.0.0.1:4001"}'
LAG = "gateway_event_loop_lag_seconds_bucket"


@dataclass(frozen=True, slots=True)
class Case:
    """Series in promtool's notation, one sample a step, and what follows from them."""

    alert: str
    when: str
    fires: bool
    series: dict[str, str]
    after: str
    step: str = "1m"

    def __str__(self) -> str:
        return f"{self.alert} {'fires' if self.fires else 'is silent'} {self.when}"


def buckets(
    name: str, bound: str, within: str, all_of_them: str, labels: str = ""
) -> dict[str, str]:
    """A histogram with one bound and its count."""
    between = ", " if labels else ""
    return {
        f'{name}_bucket{{{labels}{between}le="{bound}"}}': within,
        f'{name}_bucket{{{labels}{between}le="+Inf"}}': all_of_them,
        f"{name}_count{{{labels}}}": all_of_them,
    }


OPUS = 'requested_model="opus"'
CASES = [
    Case("HighErrorRate", "at 2 % for an hour", True,
         {REQUESTS: "0+100x90", BROKE: "0+2x90"}, "90m"),
    Case("HighErrorRate", "once the failures have ended", False,
         {REQUESTS: "0+100x90", BROKE: "0+2x50 100x40"}, "90m"),
    Case("HighErrorRate", "when one request of few fails", False,
         {REQUESTS: "0+1x90", BROKE: "0x80 1x10"}, "85m"),
    Case("HighErrorRate", "when many are refused", False,
         {REQUESTS: "0+100x90", REFUSED: "0+50x90"}, "90m"),
    Case("ErrorBudgetBurn", "at 0.4 % for a day", True,
         {REQUESTS: "0+1000x300", BROKE: "0+4x300"}, "25h", "5m"),
    Case("ErrorBudgetBurn", "at 0.05 %", False,
         {REQUESTS: "0+2000x300", BROKE: "0+1x300"}, "25h", "5m"),
    Case("HighAddedLatency", "when a fifth is late for an hour", True,
         buckets(OVERHEAD, "0.05", "0+80x90", "0+100x90"), "90m"),
    Case("HighAddedLatency", "when one in a thousand is late", False,
         buckets(OVERHEAD, "0.05", "0+999x90", "0+1000x90"), "90m"),
    Case("HighLatency", "when a fifth takes longer than two minutes", True,
         buckets(WHOLE, "120.0", "0+8x40", "0+10x40", OPUS), "40m"),
    Case("HighLatency", "when one of few takes long", False,
         buckets(WHOLE, "120.0", "0x30 0x10", "0x30 1x10", OPUS), "40m"),
    Case("HighTimeToFirstToken", "when a fifth begins late", True,
         buckets(FIRST, "10.0", "0+8x40", "0+10x40", OPUS), "40m"),
    Case("HighTimeToFirstToken", "when all begin in time", False,
         buckets(FIRST, "10.0", "0+10x40", "0+10x40", OPUS), "40m"),
    Case("UpstreamThrottled", "when a tenth is throttled", True,
         {BEDROCK: "0+100x40", THROTTLED: "0+10x40"}, "40m"),
    Case("UpstreamThrottled", "when one in a hundred is throttled", False,
         {BEDROCK: "0+100x40", THROTTLED: "0+1x40"}, "40m"),
    Case("TokenQuotaExceeded", "when a key goes on asking over its budget", True,
         {OVER_BUDGET: "0+1x10"}, "10m"),
    Case("TokenQuotaExceeded", "when it has stopped asking", False,
         {OVER_BUDGET: "0+1x10 10x30"}, "40m"),
    Case("BudgetForecast", "when the pace uses up the rest before the window ends", True,
         {SPEND: "0+1x30", LEFT: "40-1x30", MOST: "50x30", HOURS: "100-1x30"}, "25h", "1h"),
    Case("BudgetForecast", "when the window ends first", False,
         {SPEND: "0+1x30", LEFT: "40-1x30", MOST: "50x30", HOURS: "30-1x30"}, "25h", "1h"),
    Case("BudgetForecast", "when most of the budget is left", False,
         {SPEND: "0+1x30", LEFT: "140-1x30", MOST: "150x30", HOURS: "500-1x30"}, "25h", "1h"),
    Case("LedgerMismatch", "when the daily check found a difference", True,
         {"gateway_reconciliation_differences": "0x5 2x5"}, "8m"),
    Case("LedgerMismatch", "when it found none", False,
         {"gateway_reconciliation_differences": "0x10"}, "8m"),
    Case("ZeroCostRequests", "when a model without a price is used", True,
         {FREE: "0+1x10"}, "10m"),
    Case("ZeroCostRequests", "an hour after its price was set", False,
         {FREE: "0+1x10 10x80"}, "80m"),
    Case("GatewayDown", "when no task answers", True, {GATEWAY: "1x5 0x10"}, "10m"),
    Case("GatewayDown", "when there is no task at all", True, {GATEWAY: "1x5 stale"}, "10m"),
    Case("GatewayDown", "when one of two answers", False,
         {GATEWAY: "0x15", 'up{job="gateway", instance="10.0.0.2:4001"}': "1x15"}, "10m"),
    Case("TargetDown", "when a task does not answer for five minutes", True,
         {GATEWAY: "1x5 0x10"}, "12m"),
    Case("TargetDown", "when a task is replaced", False, {GATEWAY: "1x5 0x2 stale"}, "12m"),
    Case("DatabaseUnavailable", "when requests are refused for it", True,
         {'gateway_rejections_total{error="database_unavailable"}': "0+5x10"}, "8m"),
    Case("DatabaseUnavailable", "when it is silent and nobody asks for anything", True,
         {"gateway_database_heartbeat_age_seconds": "0+30x20"}, "8m"),
    Case("DatabaseUnavailable", "when it answers again within a minute", False,
         {"gateway_database_heartbeat_age_seconds": "0 30 60 0x20"}, "4m"),
    Case("DatabaseUnavailable", "when requests are refused for their keys", False,
         {'gateway_rejections_total{error="invalid_key"}': "0+5x10"}, "8m"),
    Case("DatabaseConnectionsWaiting", "when statements wait all the time", True,
         {"gateway_database_requests_waiting": "3x20"}, "15m"),
    Case("DatabaseConnectionsWaiting", "when they wait now and then", False,
         {"gateway_database_requests_waiting": "3 0 3 0 3 0 3 0 3 0 3 0 3 0 3 0"}, "15m"),
    Case("SpoolGrowing", "when settlements gather on the disk", True,
         {"gateway_spool_records": "1+1x30"}, "20m"),
    Case("SpoolGrowing", "while they are being booked", False,
         {"gateway_spool_records": "100-3x30"}, "20m"),
    Case("EventLoopLag", "when one in twenty turns is late by more than 250 ms", True,
         {f'{LAG}{{le="0.25"}}': "0+95x30", f'{LAG}{{le="0.5"}}': "0+100x30",
          f'{LAG}{{le="+Inf"}}': "0+100x30"}, "25m"),
    Case("EventLoopLag", "when turns are in time", False,
         {f'{LAG}{{le="0.25"}}': "0+100x30", f'{LAG}{{le="0.5"}}': "0+100x30",
          f'{LAG}{{le="+Inf"}}': "0+100x30"}, "25m"),
    Case("LangfuseDropping", "when traces are dropped for longer", True,
         {"gateway_traces_dropped_total": "0+10x40"}, "35m"),
    Case("LangfuseDropping", "when none are dropped", False,
         {"gateway_traces_dropped_total": "7x40"}, "35m"),
]  # fmt: skip


@needs_promtool
@pytest.mark.parametrize("case", CASES, ids=str)
def test_each_alert(case: Case, tmp_path: Path) -> None:
    severity = alerts()[case.alert]["labels"]["severity"]
    firing = (
        f'count(ALERTS{{alertstate="firing", alertname="{case.alert}", severity="{severity}"}})'
    )
    test = {
        "rule_files": [str(file) for file in RULES],
        "evaluation_interval": case.step,
        "group_eval_order": group_names(),
        "tests": [
            {
                "interval": case.step,
                "input_series": [{"series": s, "values": v} for s, v in case.series.items()],
                "promql_expr_test": [
                    {
                        "expr": firing,
                        "eval_time": case.after,
                        "exp_samples": [{"labels": "{}", "value": 1}] if case.fires else [],
                    }
                ],
            }
        ],
    }
    file = tmp_path / "test.yml"
    file.write_text(yaml.safe_dump(test))

    done = subprocess.run(
        ["promtool", "test", "rules", str(file)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_promtool_takes_all_rules() -> None:
    subprocess.run(["promtool", "check", "rules", *map(str, RULES)], check=True)


def test_alertmanager_takes_its_configuration_here_and_in_the_platform(tmp_path: Path) -> None:
    require("prometheus-alertmanager")
    values = {"@TOPIC_ARN@": "arn:aws:sns:us-east-1:123456789012:alarms", "@REGION@": "us-east-1"}
    for file in (LOCAL_ALERTMANAGER, PLATFORM_ALERTMANAGER):
        text = file.read_text()
        for name, value in values.items():
            text = text.replace(name, value)
        filled = tmp_path / "alertmanager.yml"
        filled.write_text(text)
        subprocess.run(["amtool", "check-config", str(filled)], check=True, capture_output=True)


def test_victoria_metrics_takes_its_configuration_as_it_is() -> None:
    require("victoria-metrics")
    command = ["victoria-metrics", f"-promscrape.config={SCRAPE}", "-promscrape.config.dryRun"]

    subprocess.run(
        command, env=os.environ | {"NAMESPACE": "x.internal"}, check=True, capture_output=True
    )


def test_each_alert_has_a_case_that_fires_and_one_that_is_silent() -> None:
    for fires in (True, False):
        assert {case.alert for case in CASES if case.fires is fires} == set(alerts())
