"""Runs as they are measured, made up."""

from collections.abc import Mapping
from dataclasses import replace

from benchmarks.measure import Slice
from benchmarks.runs import About, Run

SLICE = Slice(
    scenario="messages",
    target="gateway",
    round=0,
    seconds=2,
    requests=1000,
    events=0,
    errors={},
    latency_ms={"p50": 10, "p95": 20, "p99": 30, "max": 40},
    first_byte_ms={"p50": 9, "p95": 19, "p99": 29, "max": 39},
    gap_ms={},
    cpu_seconds={"target": 1, "database": 0.5, "stub": 0.1, "load": 0.1},
    rss_bytes={"target": 100_000_000},
)
"""500 requests a second, 1 ms of CPU each."""


def of(scenario: str, target: str, number: int = 0, *, slower: float = 1) -> Slice:
    """The same for another; `slower` takes so many times as long for each request."""
    return replace(
        SLICE,
        scenario=scenario,
        target=target,
        round=number,
        requests=round(SLICE.requests / slower),
        latency_ms=_times(SLICE.latency_ms, slower),
        first_byte_ms=_times(SLICE.first_byte_ms, slower),
    )


def _times(values: Mapping[str, float], factor: float) -> dict[str, float]:
    return {name: value * factor for name, value in values.items()}


def run(*slices: Slice) -> Run:
    about = {one.target: About(1.0, 90, 84, 95) for one in slices if one.target != "direct"}
    return Run("a machine", "2026-11-23 12:00 UTC", 2, 1, list(slices), about)
