"""What infra/ says about metrics, dashboards and alerts, read for tests."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from app.telemetry.metrics import Metrics

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
RULES = sorted((INFRA / "observability" / "vmalert").glob("*.yml"), reverse=True)
"""What is recorded comes before the alerts that ask for it."""
SCRAPE = INFRA / "observability" / "victoria-metrics" / "scrape.yml"
LOCAL_ALERTMANAGER = INFRA / "observability" / "local" / "alertmanager.yml"
PLATFORM_ALERTMANAGER = (
    INFRA
    / "terraform"
    / "modules"
    / "platform"
    / "configuration"
    / "alertmanager"
    / "alertmanager.yml"
)
DASHBOARDS = sorted((INFRA / "grafana" / "dashboards").glob("*.json"))
RUNBOOKS = sorted((ROOT / "docs" / "runbooks").glob("*.md"))


@dataclass(frozen=True, slots=True)
class Query:
    """A PromQL expression, where it stands, and the labels that its reader is promised."""

    where: str
    text: str
    labels: frozenset[str] = field(default_factory=frozenset)


def groups() -> Iterator[dict[str, Any]]:
    for file in RULES:
        yield from yaml.safe_load(file.read_text())["groups"]


def group_names() -> list[str]:
    return [group["name"] for group in groups()]


def rules() -> Iterator[dict[str, Any]]:
    for group in groups():
        yield from group["rules"]


def recorded() -> set[str]:
    return {rule["record"] for rule in rules() if "record" in rule}


def alerts() -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def kebab(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


def dashboards() -> dict[str, dict[str, Any]]:
    return {file.stem: json.loads(file.read_text()) for file in DASHBOARDS}


def panels(dashboard: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All that show something; rows are not among them."""
    yield from (panel for panel in dashboard["panels"] if panel["type"] != "row")


def documented_metrics() -> set[str]:
    """As they are exposed; those of histograms with each of their endings."""
    found: set[str] = set()
    for name, kind, _labels, _told in Metrics().described():
        endings = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
        found |= {name + ending for ending in endings}
    return found
