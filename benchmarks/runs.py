"""What a run found: slices summed up, written as JSON, and read again."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.measure import Slice
from benchmarks.processes import MB

DIRECT = "direct"
BUSY_SHARE = 0.9
"""A stub or load generator that took more of a core than this may have been the bottleneck."""

Figures = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class About:
    """What is true of a target as such."""

    start_seconds: float
    idle_mb: float
    installed_mb: float
    end_mb: float = 0


@dataclass(slots=True)
class Run:
    """A whole run; `missing` says why a target is not in it."""

    machine: str
    started: str
    seconds: float
    rounds: int
    slices: list[Slice] = field(default_factory=list)
    about: dict[str, About] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def targets(self) -> list[str]:
        return [DIRECT, *self.about]

    @property
    def scenarios(self) -> list[str]:
        return list(dict.fromkeys(one.scenario for one in self.slices))

    def of(self, scenario: str, target: str) -> list[Slice]:
        return [s for s in self.slices if (s.scenario, s.target) == (scenario, target)]

    def invalid(self) -> list[Slice]:
        return [one for one in self.slices if not one.valid]

    def crowded(self) -> list[Slice]:
        """Slices in which the means of measuring may have been the limit."""
        return [
            one
            for one in self.slices
            if one.target != DIRECT
            and max(one.cpu_seconds["stub"], one.cpu_seconds["load"]) > BUSY_SHARE * one.seconds
        ]

    def figures(self, scenario: str, target: str) -> Figures:
        """The medians of the rounds; empty if there is none, or if an answer was wrong."""
        found = self.of(scenario, target)
        if not found or not all(one.valid for one in found):
            return {}
        direct = {one.round: one for one in self.of(scenario, DIRECT)}
        rows = [_figures(one, direct.get(one.round)) for one in found]
        return {name: median(row[name] for row in rows) for name in rows[0]}

    def ratio(self, scenario: str, what: str, target: str, base: str) -> float | None:
        """The median of the ratios of each round's pair."""
        pairs = zip(self.of(scenario, target), self.of(scenario, base), strict=False)
        rows = [
            (_figures(one, None)[what], _figures(other, None)[what])
            for one, other in pairs
            if one.valid and other.valid
        ]
        ratios = [one / other for one, other in rows if other]
        return median(ratios) if ratios else None


def new_run(seconds: float, rounds: int) -> Run:
    return Run(machine(), f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", seconds, rounds)


def machine() -> str:
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def _figures(one: Slice, direct: Slice | None) -> Figures:
    found = {
        "rate": one.rate,
        "events_rate": one.events / one.seconds,
        "gap_max": one.gap_ms.get("max", 0),
        "cpu_ms": one.cpu_ms_per_request(),
        "database_cpu_ms": one.cpu_ms_per_request("database"),
        "event_us": one.cpu_seconds["target"] / one.events * 1e6 if one.events else 0,
        "rss_mb": one.rss_bytes.get("target", 0) / MB,
        "cores": one.cpu_seconds["target"] / one.seconds,
        "stub_cores": one.cpu_seconds["stub"] / one.seconds,
        "load_cores": one.cpu_seconds["load"] / one.seconds,
    }
    for share in ("p50", "p95", "p99"):
        found[share] = one.latency_ms[share]
        found[f"first_byte_{share}"] = one.first_byte_ms[share]
        if direct and direct.valid:
            found[f"added_{share}"] = one.latency_ms[share] - direct.latency_ms[share]
            found[f"added_first_byte_{share}"] = (
                one.first_byte_ms[share] - direct.first_byte_ms[share]
            )
    return found


def write(run: Run, path: Path) -> None:
    """Five digits are more than any of these figures is good for."""
    values = json.loads(
        json.dumps(asdict(run)), parse_float=lambda text: float(f"{float(text):.5g}")
    )
    path.write_text(json.dumps(values) + "\n")


def read(path: Path) -> Run:
    values: dict[str, Any] = json.loads(path.read_text())
    slices: Sequence[Slice] = [Slice(**one) for one in values.pop("slices")]
    about = {name: About(**one) for name, one in values.pop("about").items()}
    return Run(**values, slices=list(slices), about=about)
