"""What is measured: each scenario is one way of asking."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from benchmarks.bodies import CODE, SMALL, ApiFormat
from benchmarks.stub_answers import Pace

OURS: Final = frozenset({"direct", "relay", "gateway"})
GATEWAY: Final = frozenset({"direct", "gateway"})


@dataclass(frozen=True, slots=True)
class Scenario:
    """`size` is a body's of `bodies`; `keys` a kind of key that the target has; `only` the targets
    that it is for, where it is not for all."""

    name: str
    words: str
    api_format: ApiFormat = "messages"
    stream: bool = False
    size: str = SMALL
    connections: int = 10
    pace: Pace = field(default_factory=Pace)
    keys: str = "one"
    status: int = 200
    only: frozenset[str] | None = None

    @property
    def lasts(self) -> float:
        """Seconds that an answer takes at least."""
        pace = self.pace
        return (pace.latency_ms + (pace.deltas + 4) * pace.delay_ms * self.stream) / 1000

    def is_for(self, target: str) -> bool:
        return self.only is None or target in self.only


def paced(connections: int) -> Scenario:
    return Scenario(
        f"paced-{connections}",
        f"{connections} streams of 100 events, one each 20 ms",
        stream=True,
        connections=connections,
        pace=Pace(latency_ms=50, deltas=100, delay_ms=20),
        only=None if connections == 50 else OURS,
    )


def at_connections(number: int) -> Scenario:
    return Scenario(
        f"connections-{number}",
        f"messages, {number} at once, 50 ms upstream",
        connections=number,
        pace=Pace(latency_ms=50),
        only=OURS,
    )


def open_streams(number: int) -> Scenario:
    return Scenario(
        f"open-{number}",
        f"{number} slow streams held open",
        stream=True,
        connections=number,
        pace=Pace(deltas=20, delay_ms=100),
        only=OURS,
    )


def of_size(size: int) -> Scenario:
    return Scenario(
        f"bytes-{size}",
        f"messages, a body of {size:,} bytes",
        size=str(size),
        connections=4,
        only=OURS,
    )


SCENARIOS: Final[Sequence[Scenario]] = (
    Scenario("messages", "messages, whole, 0 ms upstream"),
    Scenario("chat", "chat completions, whole, 0 ms upstream", api_format="chat"),
    Scenario("messages-stream", "messages, 20 deltas streamed", stream=True),
    Scenario("chat-stream", "chat completions, 20 deltas streamed", api_format="chat", stream=True),
    Scenario("code", "Claude Code-sized, whole", size=CODE),
    Scenario("code-stream", "Claude Code-sized, streamed", size=CODE, stream=True),
    Scenario("code-alone", "Claude Code-sized, streamed, 1", size=CODE, stream=True, connections=1),
    Scenario("upstream-50", "messages, 50 ms upstream", pace=Pace(latency_ms=50)),
    Scenario(
        "stream-50", "messages streamed, 50 ms upstream", stream=True, pace=Pace(latency_ms=50)
    ),
    paced(50),
    Scenario("burst", "streams of 500 deltas, all at once", stream=True, pace=Pace(deltas=500)),
    Scenario("budget", "messages, a key with budgets and limits", keys="budget", only=GATEWAY),
    Scenario("keys-10", "messages, 10 keys in turn", keys="few", only=GATEWAY),
    Scenario("keys-10000", "messages, 10,000 keys in turn", keys="many", only=GATEWAY),
    Scenario("refused-401", "an unknown key", keys="unknown", status=401, only=GATEWAY),
    Scenario("refused-429", "a budget that is used up", keys="spent", status=429, only=GATEWAY),
    *(of_size(size) for size in (1_000, 10_000, 100_000, 2_000_000)),
    *(at_connections(number) for number in (1, 10, 50, 200)),
    *(open_streams(number) for number in (10, 50, 200)),
)

QUICK: Final = ("messages", "messages-stream", "code-stream", "upstream-50")


def chosen(names: Sequence[str]) -> list[Scenario]:
    """The scenarios of these names, or whose names begin so. Raises ValueError for unknown ones."""
    if unknown := [name for name in names if not _of(name)]:
        known = ", ".join(one.name for one in SCENARIOS)
        raise ValueError(f"no scenario is called {', '.join(unknown)}; there are {known}")
    wanted = {one.name for name in names for one in _of(name)}
    return [one for one in SCENARIOS if one.name in wanted]


def _of(name: str) -> list[Scenario]:
    exact = [one for one in SCENARIOS if one.name == name]
    return exact or [one for one in SCENARIOS if one.name.startswith(f"{name}-")]
