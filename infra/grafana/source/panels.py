"""Queries and panels, and how they become Grafana's JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Json = dict[str, Any]

METRICS: Final = {"type": "prometheus", "uid": "${metrics}"}
CLOUDWATCH: Final = {"type": "cloudwatch", "uid": "${cloudwatch}"}


@dataclass(frozen=True, slots=True)
class Query:
    """PromQL, and what its series are called; `{{label}}` is replaced by the label's value."""

    expr: str
    legend: str = ""

    def json(self, ref: str, kind: str) -> Json:
        instant = kind != "timeseries"
        return {
            "refId": ref,
            "datasource": METRICS,
            "editorMode": "code",
            "expr": self.expr,
            "legendFormat": self.legend or "__auto",
            "instant": instant,
            "range": not instant,
            "format": "table" if kind == "table" else "time_series",
        }


@dataclass(frozen=True, slots=True)
class CloudWatch:
    """A metric of AWS's. `global_` ones are kept in us-east-1 wherever the platform is."""

    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    statistic: str = "Average"
    label: str = ""
    global_: bool = False

    def json(self, ref: str, _kind: str) -> Json:
        return {
            "refId": ref,
            "datasource": CLOUDWATCH,
            "queryMode": "Metrics",
            "metricQueryType": 0,
            "metricEditorMode": 0,
            "id": "",
            "expression": "",
            "region": "us-east-1" if self.global_ else "default",
            "namespace": self.namespace,
            "metricName": self.metric,
            "dimensions": dict(self.dimensions),
            "matchExact": True,
            "statistic": self.statistic,
            "period": "",
            "label": self.label,
        }


Kind = Literal["timeseries", "stat", "bargauge", "table"]


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture. From `warn` it is orange and from `bad` red, or red below what is `needed`.
    `columns` names the values of a table's queries, in their order."""

    title: str
    description: str
    unit: str
    queries: Sequence[Query | CloudWatch]
    kind: Kind = "timeseries"
    stacked: bool = False
    warn: float | None = None
    bad: float | None = None
    needed: float | None = None
    most: float | None = None
    columns: Sequence[tuple[str, str]] = ()
    links: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    width: int | None = None

    def json(self) -> Json:
        targets = [q.json(chr(ord("A") + n), self.kind) for n, q in enumerate(self.queries)]
        return {
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "datasource": targets[0]["datasource"],
            "targets": targets,
            "fieldConfig": {"defaults": self._defaults(), "overrides": self._overrides()},
            "options": self._options(),
        } | ({"transformations": self._transformations()} if self.kind == "table" else {})

    def _options(self) -> Json:
        named = any(isinstance(query, Query) and query.legend for query in self.queries)
        if self.kind == "stat" and named:
            sizes = {"titleSize": 13, "valueSize": 22}
            return OPTIONS["stat"] | {"textMode": "value_and_name", "text": sizes}
        return OPTIONS[self.kind]

    def _defaults(self) -> Json:
        defaults: Json = {"unit": self.unit, "color": {"mode": "palette-classic"}, "min": 0}
        if self.most is not None:
            defaults["max"] = self.most
        if len(steps := self._steps()) > 1:
            defaults["color"] = {"mode": "thresholds"}
            defaults["thresholds"] = {"mode": "absolute", "steps": steps}
        if self.kind == "timeseries":
            defaults["color"] = {"mode": "palette-classic"}
            defaults["custom"] = {
                "fillOpacity": 30 if self.stacked else 8,
                "lineWidth": 1,
                "showPoints": "never",
                "stacking": {"group": "A", "mode": "normal" if self.stacked else "none"},
                "thresholdsStyle": {"mode": "off" if self.bad is None else "dashed"},
            }
        return defaults

    def _steps(self) -> list[Json]:
        if self.needed is not None:
            return [{"color": "red", "value": None}, {"color": "green", "value": self.needed}]
        bounds = [("green", None), ("orange", self.warn), ("red", self.bad)]
        return [{"color": c, "value": v} for c, v in bounds if c == "green" or v is not None]

    def _overrides(self) -> list[Json]:
        found: list[Json] = []
        for number, (name, unit) in enumerate(self.columns):
            properties = [{"id": "displayName", "value": name}, {"id": "unit", "value": unit}]
            column = f"Value #{chr(ord('A') + number)}" if len(self.columns) > 1 else "Value"
            found.append(_override(column, properties))
        for name, (title, url) in self.links.items():
            link = {"title": title, "url": url, "targetBlank": True}
            found.append(_override(name, [{"id": "links", "value": [link]}]))
        return found

    def _transformations(self) -> list[Json]:
        return [
            {"id": "merge", "options": {}},
            {"id": "organize", "options": {"excludeByName": {"Time": True}}},
        ]


def _override(name: str, properties: Sequence[Json]) -> Json:
    return {"matcher": {"id": "byName", "options": name}, "properties": list(properties)}


LEGEND: Final = {"calcs": ["max", "lastNotNull"], "displayMode": "table", "placement": "bottom"}
LAST: Final = {"calcs": ["lastNotNull"], "fields": "", "values": False}
OPTIONS: Final[dict[Kind, Json]] = {
    "timeseries": {
        "legend": LEGEND | {"showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "stat": {
        "reduceOptions": LAST,
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "textMode": "auto",
    },
    "bargauge": {
        "reduceOptions": LAST,
        "displayMode": "basic",
        "orientation": "horizontal",
        "showUnfilled": True,
        "valueMode": "color",
        "minVizWidth": 8,
        "minVizHeight": 16,
        "maxVizHeight": 32,
        "sizing": "manual",
        "namePlacement": "top",
        "text": {"titleSize": 13, "valueSize": 15},
    },
    "table": {"showHeader": True, "cellHeight": "sm"},
}


@dataclass(frozen=True, slots=True)
class Text:
    """Words between pictures, in Markdown."""

    content: str
    width: int | None = None

    def json(self) -> Json:
        return {
            "type": "text",
            "title": "",
            "transparent": True,
            "options": {"mode": "markdown", "content": self.content},
        }
