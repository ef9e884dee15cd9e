"""One slice: one scenario against one target, by a load generator of its own."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from benchmarks.bodies import request_body, request_headers
from benchmarks.load import DRAIN_SECONDS, Order, encoded
from benchmarks.processes import ROOT
from benchmarks.scenarios import Scenario
from benchmarks.targets.direct import StubProcess
from benchmarks.targets.target import Running

GRACE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Slice:
    """What came of it. CPU in seconds by group: `target`, `database`, `stub`, `load`."""

    scenario: str
    target: str
    round: int
    seconds: float
    requests: int
    events: int
    errors: Mapping[str, int]
    latency_ms: Mapping[str, float]
    first_byte_ms: Mapping[str, float]
    gap_ms: Mapping[str, float]
    cpu_seconds: Mapping[str, float]
    rss_bytes: Mapping[str, int] = field(default_factory=dict)

    @property
    def valid(self) -> bool:
        return self.requests > 0 and not self.errors

    @property
    def rate(self) -> float:
        return self.requests / self.seconds

    def cpu_ms_per_request(self, group: str = "target") -> float:
        return self.cpu_seconds.get(group, 0) / self.requests * 1000 if self.requests else 0


@dataclass(frozen=True, slots=True)
class Length:
    """How long a slice lasts, or after how many requests it ends."""

    seconds: float = 2
    warm_up_seconds: float = 0.5
    requests: int | None = None

    def for_answers_of(self, seconds: float) -> "Length":
        """The same, or so much longer that every connection gets at least two answers."""
        return replace(
            self,
            seconds=max(self.seconds, 2.2 * seconds),
            warm_up_seconds=max(self.warm_up_seconds, 0.3 * seconds),
        )


def measure(
    scenario: Scenario, target: Running, stub: StubProcess, length: Length, number: int = 0
) -> Slice:
    """Set the stub, send the load, and return what was measured."""
    stub.set(scenario.pace)
    if length.requests is None:
        length = length.for_answers_of(scenario.lasts)
    size = scenario.size
    body = request_body(scenario.api_format, size, target.model, stream=scenario.stream)
    refused = scenario.status != 200
    order = Order(
        addresses=list(target.addresses),
        path=target.paths[scenario.api_format, scenario.stream],
        headers={**request_headers(scenario.api_format, size), **target.headers},
        keys=list(target.keys.get(scenario.keys, target.keys["one"])),
        body=body.decode(),
        connections=scenario.connections,
        seconds=length.seconds,
        warm_up_seconds=length.warm_up_seconds,
        requests=length.requests,
        status=200 if target.name == "direct" else scenario.status,
        mark=target.mark if scenario.stream else "",
        ending=target.ending(scenario.api_format) if scenario.stream and not refused else "",
        watched={
            "target": list(target.pids),
            "database": list(target.database_pids),
            "stub": [stub.pid],
        },
    )
    found = _generated(order)
    return Slice(scenario=scenario.name, target=target.name, round=number, **found)


def _generated(order: Order) -> dict[str, Any]:
    timeout = None if order.requests else order.seconds + DRAIN_SECONDS + GRACE_SECONDS
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        input=encoded(order),
        stdout=subprocess.PIPE,
        cwd=ROOT,
        check=True,
        timeout=timeout,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found
