"""A page of panels: rows, what can be chosen at its top, and where everything goes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from infra.grafana.source.panels import CLOUDWATCH, METRICS, Json, Panel, Text

COLUMNS: Final = 24
SCHEMA_VERSION: Final = 42


@dataclass(frozen=True, slots=True)
class Row:
    """Panels side by side; those without a width share what the others leave."""

    title: str
    panels: Sequence[Panel | Text]
    height: int = 8


@dataclass(frozen=True, slots=True)
class Variable:
    """A choice at the top of a dashboard: the values of a label, or of a CloudWatch dimension."""

    name: str
    label: str
    query: str | Json
    regex: str = ""
    many: bool = True

    def json(self) -> Json:
        every = {"selected": True, "text": ["All"], "value": ["$__all"]}
        return {
            "type": "query",
            "name": self.name,
            "label": self.label,
            "datasource": METRICS if isinstance(self.query, str) else CLOUDWATCH,
            "query": (
                {"query": self.query, "refId": self.name}
                if isinstance(self.query, str)
                else self.query
            ),
            "regex": self.regex,
            "refresh": 2,
            "sort": 1,
            "multi": self.many,
            "includeAll": self.many,
        } | ({"allValue": ".*", "current": every} if self.many else {})


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some fixed values."""

    name: str
    label: str
    values: Sequence[str]

    def json(self) -> Json:
        first = self.values[0]
        return {
            "type": "custom",
            "name": self.name,
            "label": self.label,
            "query": ",".join(self.values),
            "current": {"selected": True, "text": first, "value": first},
            "options": [{"selected": v == first, "text": v, "value": v} for v in self.values],
            "multi": False,
            "includeAll": False,
        }


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A page; its uid is its address."""

    uid: str
    title: str
    description: str
    rows: Sequence[Row]
    variables: Sequence[Variable | Choice] = ()
    cloudwatch: bool = False

    def json(self) -> Json:
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": ["stargate"],
            "schemaVersion": SCHEMA_VERSION,
            "editable": False,
            "graphTooltip": 1,
            "refresh": "30s",
            "time": {"from": "now-6h", "to": "now"},
            "timezone": "browser",
            "links": [OTHERS],
            "annotations": {"list": []},
            "templating": {"list": [*self._sources(), *(v.json() for v in self.variables)]},
            "panels": self._panels(),
        }

    def _sources(self) -> list[Json]:
        sources = [_source("metrics", "Metrics", "prometheus", "victoria-metrics")]
        aws = _source("cloudwatch", "AWS", "cloudwatch", "cloudwatch")
        return sources + [aws] * self.cloudwatch

    def _panels(self) -> list[Json]:
        placed: list[Json] = []
        y = 0
        for row in self.rows:
            title = {"type": "row", "title": row.title, "collapsed": False, "panels": []}
            placed.append(title | {"gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1}})
            y += 1
            x = 0
            for panel, width in zip(row.panels, _widths(row), strict=True):
                where = {"x": x, "y": y, "w": width, "h": row.height}
                placed.append(panel.json() | {"gridPos": where})
                x += width
            y += row.height
        return [{"id": number, **panel} for number, panel in enumerate(placed, 1)]


def _widths(row: Row) -> list[int]:
    """What cannot be shared evenly goes to the first ones, so that the line is full."""
    free = COLUMNS - sum(panel.width or 0 for panel in row.panels)
    each, over = divmod(free, sum(panel.width is None for panel in row.panels))
    widths: list[int] = []
    for panel in row.panels:
        widths.append(panel.width or each + (over > 0))
        over -= panel.width is None
    return widths


def _source(name: str, label: str, kind: str, uid: str) -> Json:
    """A choice of data sources, with the one that is provisioned chosen."""
    current = {"selected": True, "text": uid, "value": uid}
    return {
        "type": "datasource",
        "name": name,
        "label": label,
        "query": kind,
        "current": current,
    }


OTHERS: Final = {
    "type": "dashboards",
    "title": "Stargate",
    "tags": ["stargate"],
    "asDropdown": True,
    "includeVars": False,
    "keepTime": True,
    "targetBlank": False,
    "icon": "external link",
    "tooltip": "",
    "url": "",
}
