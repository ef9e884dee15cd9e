"""The order of a run: every scenario against every target in turn, the order turned each time."""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.measure import Length, Slice, measure
from benchmarks.processes import MB, DidNotStart, taken
from benchmarks.runs import About, Run, new_run
from benchmarks.scenarios import Scenario, chosen
from benchmarks.targets.direct import StubProcess, stub_process
from benchmarks.targets.target import Place, Running, Starter

Say = Callable[[str], None]
WARM_UP = chosen(["messages", "messages-stream"])


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured, and how long."""

    scenarios: Sequence[Scenario]
    targets: Mapping[str, Starter]
    length: Length
    rounds: int
    warm_up_seconds: float = 3
    workers: int = 1
    history_rows: int = 0

    @property
    def slices(self) -> int:
        names = ["direct", *self.targets]
        return self.rounds * sum(one.is_for(name) for one in self.scenarios for name in names)

    @property
    def seconds(self) -> float:
        """About how long it takes, once everything is started."""
        names = ["direct", *self.targets]
        lengths = [
            self.length.for_answers_of(one.lasts)
            for one in self.scenarios
            for name in names
            if one.is_for(name)
        ]
        return self.rounds * sum(one.seconds + one.warm_up_seconds + 0.4 for one in lengths)


def run(plan: Plan, say: Say) -> Run:
    """Start everything, measure, stop everything."""
    found = new_run(plan.length.seconds, plan.rounds)
    with ExitStack() as stack:
        stub = stack.enter_context(stub_process())
        targets = [stub.as_target()]
        for name, starter in plan.targets.items():
            try:
                target = stack.enter_context(
                    placed(starter, stub, workers=plan.workers, history_rows=plan.history_rows)
                )
            except DidNotStart as error:
                found.missing[name] = str(error)
                say(f"{name} is left out: {error}")
                continue
            targets.append(replace(target, name=name))
            found.about[name] = _about(target)
            say(f"{name} is ready ({target.start_seconds:.1f} s)")
        for target in targets[1:]:
            warm_up(target, stub, plan.warm_up_seconds)
        say(f"{plan.slices} slices, about {plan.seconds / 60:.0f} minutes")
        for one in _slices(plan, targets, stub):
            found.slices.append(one)
            say(f"{len(found.slices):4}/{plan.slices} {told(one)}")
        for target in targets[1:]:
            end = taken(target.pids).rss_bytes / MB
            found.about[target.name] = replace(found.about[target.name], end_mb=end)
    return found


@contextmanager
def placed(
    starter: Starter,
    stub: StubProcess,
    *,
    workers: int = 1,
    history_rows: int = 0,
    durable: bool = True,
) -> Iterator[Running]:
    """A target with a folder that root's PostgreSQL can be in, and that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with starter(Place(stub.url, folder, workers, history_rows, durable)) as target:
            yield target


def warm_up(target: Running, stub: StubProcess, seconds: float) -> None:
    """Compilers, pools and caches come to rest before anything counts."""
    for scenario in WARM_UP:
        measure(scenario, target, stub, Length(seconds / len(WARM_UP), 0))


def _about(target: Running) -> About:
    idle = taken(target.pids).rss_bytes / MB / max(1, len(target.pids))
    return About(target.start_seconds, idle, target.installed_mb)


def _slices(plan: Plan, targets: Sequence[Running], stub: StubProcess) -> Iterator[Slice]:
    for number in range(plan.rounds):
        for position, scenario in enumerate(plan.scenarios):
            turn = (number + position) % len(targets)
            for target in [*targets[turn:], *targets[:turn]]:
                if applies(scenario, target):
                    yield measure(scenario, target, stub, plan.length, number)


def applies(scenario: Scenario, target: Running) -> bool:
    return (
        scenario.is_for(target.name)
        and (scenario.api_format, scenario.stream) in target.paths
        and (target.name == "direct" or scenario.keys in target.keys)
    )


def told(one: Slice) -> str:
    """A slice as a line of progress."""
    latency = one.latency_ms.get("p50", 0)
    line = f"{one.scenario:16} {one.target:12} {one.rate:9,.0f}/s  p50 {latency:8.2f} ms"
    return line if one.valid else f"{line}  INVALID {dict(one.errors)}"
