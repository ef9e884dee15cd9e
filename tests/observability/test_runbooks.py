"""Whoever is woken finds a page of the alert's name, and each page has its alert."""

import re
from pathlib import Path

import pytest

from app.errors import DatabaseUnavailable, GatewayError, InternalError, NotSupported
from tests.observability.files import ROOT, RUNBOOKS, alerts, kebab, rules

SECTIONS = ["Verify", "Find the cause", "Mitigate", "Afterwards"]


ALARMS = ROOT / "infra/terraform/modules/platform/alarms.tf"


def test_each_alert_and_alarm_has_a_runbook_and_each_runbook_one_of_them() -> None:
    alarms = set(re.findall(r'^ +runbook += "([a-z-]+)"$', ALARMS.read_text(), re.MULTILINE))

    assert alarms
    assert {page.stem for page in RUNBOOKS} == {kebab(name) for name in alerts()} | alarms


@pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)
def test_a_runbook_says_what_is_meant_and_what_to_do(page: Path) -> None:
    text = page.read_text()

    assert kebab(text.splitlines()[0].removeprefix("# ")) == page.stem
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    assert "**Impact.**" in text
    assert "```promql" in text


@pytest.mark.parametrize("name", alerts())
def test_an_alert_says_how_bad_it_is_and_the_first_step(name: str) -> None:
    rule = alerts()[name]

    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert set(rule["annotations"]) == {"summary", "action", "runbook"}
    assert rule["annotations"]["runbook"] == f"docs/runbooks/{kebab(name)}.md"
    page = ROOT / rule["annotations"]["runbook"]
    told = page.read_text().splitlines()[2]
    assert told.endswith(f"{rule['labels']['severity'].capitalize()}.")


def _below(error: type[GatewayError]) -> set[type[GatewayError]]:
    return {error}.union(*(_below(one) for one in error.__subclasses__()))


def test_failures_are_all_errors_that_are_not_the_clients_and_no_others() -> None:
    patterns = {
        pattern
        for rule in rules()
        for pattern in re.findall(r'exception_class=~"([^"]+)"', rule["expr"])
    }
    ours = {e.code for e in _below(GatewayError) - {GatewayError, NotSupported} if e.status >= 500}

    (pattern,) = patterns
    codes = {error.code for error in _below(GatewayError) if hasattr(error, "code")}
    assert {code for code in codes if re.fullmatch(pattern, code)} == ours
    assert {DatabaseUnavailable.code, InternalError.code} <= ours
