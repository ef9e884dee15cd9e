"""Whether a change made the gateway dearer: `python -m benchmarks.gate [--write]`.

Compares the CPU of a request with that of the bare relay, in short slices that take turns in one
run. A busy machine makes both slower, so that their ratio says what seconds cannot. What is agreed
stands in `limits.json`; `--write` sets it from what is measured now.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.measure import Length, measure
from benchmarks.processes import end_in_order
from benchmarks.rounds import placed, warm_up
from benchmarks.runs import machine
from benchmarks.scenarios import chosen
from benchmarks.targets.direct import stub_process
from benchmarks.targets.gateway import gateway
from benchmarks.targets.relay import relay

LIMITS: Final = Path(__file__).with_name("limits.json")
SCENARIOS: Final = ("messages", "messages-stream", "code-stream")
PAIRS: Final = 5
SLICE: Final = Length(requests=400, warm_up_seconds=0.1)
WARM_UP_SECONDS: Final = 1

Ratios = Mapping[str, float]
Costs = dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class Limits:
    """`ratios`: the gateway's CPU of a request as a multiple of the relay's, by scenario."""

    date: str
    machine: str
    margin: float
    ratios: Ratios


class Unmeasured(Exception):
    """There were wrong answers, so there is nothing to compare."""


def measured(pairs: int = PAIRS) -> dict[str, float]:
    """The ratio of each scenario."""
    return {name: ratio(costs) for name, costs in slices(pairs).items()}


def ratio(costs: Costs) -> float:
    """The median of the pairs': two slices that follow each other are disturbed alike, and a pair
    of which only one was does not count."""
    pairs = zip(costs["gateway"], costs["relay"], strict=True)
    return median(ours / theirs for ours, theirs in pairs)


def slices(pairs: int) -> dict[str, Costs]:
    """CPU of a request in ms by scenario and target, slice for slice."""
    found: dict[str, Costs] = {name: {"gateway": [], "relay": []} for name in SCENARIOS}
    with ExitStack() as stack:
        stub = stack.enter_context(stub_process())
        targets = [
            stack.enter_context(placed(start, stub, durable=False)) for start in (gateway, relay)
        ]
        for target in targets:
            warm_up(target, stub, WARM_UP_SECONDS)
        for number in range(pairs):
            for scenario in chosen(SCENARIOS):
                for target in targets if number % 2 else targets[::-1]:
                    one = measure(scenario, target, stub, SLICE, number)
                    if not one.valid:
                        raise Unmeasured(f"{scenario.name}, {target.name}: {dict(one.errors)}")
                    found[scenario.name][target.name].append(one.cpu_ms_per_request())
    return found


def worse(found: Ratios, limits: Limits) -> list[str]:
    """A sentence for each scenario that became dearer than was agreed."""
    return [
        f"{name}: a request takes {found[name]:.2f} times the relay's CPU; "
        f"{agreed:.2f} was agreed on {limits.date}, and {limits.margin} times that is the limit"
        for name, agreed in limits.ratios.items()
        if found[name] > agreed * limits.margin
    ]


def confirmed(found: Ratios, again: Ratios) -> Ratios:
    """The better of two measurements: what is really dearer is so twice."""
    return {name: min(ratio, again[name]) for name, ratio in found.items()}


def read_limits(path: Path = LIMITS) -> Limits:
    return Limits(**json.loads(path.read_text()))


def write_limits(found: Ratios, margin: float, path: Path = LIMITS) -> None:
    rounded = {name: round(ratio, 2) for name, ratio in found.items()}
    limits = Limits(f"{datetime.now(UTC):%Y-%m-%d}", machine(), margin, rounded)
    path.write_text(json.dumps(asdict(limits), indent=2) + "\n")


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="The gateway's CPU against the bare relay's.")
    parser.add_argument("--write", action="store_true", help="make what is measured the limit")
    parser.add_argument("--pairs", type=int, default=PAIRS)
    chosen_options = parser.parse_args(argv)
    end_in_order()
    limits, found = read_limits(), measured(chosen_options.pairs)
    for name, ratio in found.items():
        print(f"{name:16} {ratio:5.2f} times the relay (agreed: {limits.ratios.get(name)})")
    if chosen_options.write:
        write_limits(found, limits.margin)
        return 0
    complaints = worse(found, limits)
    print("\n".join(complaints))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
