"""Whoever is woken finds a page of the alert's name, and each page has its alert."""

import re
from pathlib import Path

import pytest

from app.errors import DatabaseUnavailable, GatewayError, InternalError, NotSupported
from tests.observability.files import ROOT, RUNBOOKS, alerts, kebab, rules

SECTIONS = ["Meaning", "Impact", "Verify", "Diagnose", "Mitigate", "Escalate", "Afterwards"]
FORMS = {"README", "postmortem", "template"}
"""Pages that belong to no alert."""
PAGES = [page for page in RUNBOOKS if page.stem not in FORMS]
ON_CALL, TEMPLATE = (ROOT / "docs" / "runbooks" / f"{name}.md" for name in ("README", "template"))
SEVERITY = re.compile(r"^\*\*(Page|Ticket)\.\*\* From (.+)\.$", re.MULTILINE)
ALARMS = ROOT / "infra/terraform/modules/platform/alarms.tf"
ALARM = re.compile(
    r'^ {4}(?:for [^{]+: name => \{|([a-z-]+) = \{)$.*?^ {6}runbook += "([a-z-]+)"$',
    re.MULTILINE | re.DOTALL,
)


def alarms() -> dict[str, str]:
    """Runbooks by the CloudWatch alarms that lead to them."""
    text = ALARMS.read_text()
    found = {name: page for name, page in ALARM.findall(text) if name}
    certificates = re.findall(r"\b([a-z-]+) = var\.domain\.\w*certificate_arn", text)
    return found | dict.fromkeys(certificates, "certificate-expiring")


def section(page: Path, name: str) -> str:
    return page.read_text().split(f"\n## {name}\n")[1].split("\n## ")[0]


def test_each_alert_and_alarm_has_a_runbook_and_each_runbook_one_of_them() -> None:
    told = set(re.findall(r'^ +runbook += "([a-z-]+)"$', ALARMS.read_text(), re.MULTILINE))

    assert told == set(alarms().values())
    assert {page.stem for page in PAGES} == {kebab(name) for name in alerts()} | told
    assert {page.stem for page in RUNBOOKS} >= FORMS


@pytest.mark.parametrize("page", [*PAGES, TEMPLATE], ids=lambda page: page.stem)
def test_a_runbook_says_what_is_meant_and_what_to_do(page: Path) -> None:
    text = page.read_text()

    assert page == TEMPLATE or kebab(text.splitlines()[0].removeprefix("# ")) == page.stem
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    assert all(section(page, name).strip() for name in SECTIONS)
    assert "```promql" in section(page, "Verify")
    assert "```bash" in section(page, "Verify") + section(page, "Diagnose")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_runbook_names_whence_it_comes_and_how_urgent_it_is(page: Path) -> None:
    found = SEVERITY.search(page.read_text())
    assert found
    severity, sources = found.groups()

    rules_of_page = [rule for name, rule in alerts().items() if kebab(name) == page.stem]
    assert ("vmalert" in sources) == bool(rules_of_page)
    assert all(rule["labels"]["severity"] == severity.lower() for rule in rules_of_page)
    assert set(re.findall(r"`([a-z-]+)`", sources)) == {
        name for name, runbook in alarms().items() if runbook == page.stem
    }


@pytest.mark.parametrize("name", alerts())
def test_an_alert_says_how_bad_it_is_and_the_first_step(name: str) -> None:
    rule = alerts()[name]

    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert set(rule["annotations"]) == {"summary", "action", "runbook"}
    assert rule["annotations"]["runbook"] == f"docs/runbooks/{kebab(name)}.md"


def test_each_page_is_found_by_a_symptom() -> None:
    found = re.findall(r"^\| .+ \| \[([\w-]+)\]\(\1\.md\) \|$", ON_CALL.read_text(), re.MULTILINE)

    assert set(found) == {page.stem for page in PAGES}


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
