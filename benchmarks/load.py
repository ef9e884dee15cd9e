"""The load generator, a process of its own: an `Order` in, a `Yield` out, both as JSON.

So many connections each send a request, read the whole answer, and send the next. Every latency is
kept; percentiles are those of all samples. CPU and memory of the processes that are watched are
read at both ends of the measured window, so that warming up and draining do not count.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from itertools import cycle
from typing import Any

import uvloop

from benchmarks.exchange import Exchange, Sample
from benchmarks.processes import Taken, taken

DRAIN_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Order:
    """What to send, and for how long. `watched` names groups of processes by their numbers."""

    addresses: list[tuple[str, int]]
    path: str
    headers: dict[str, str]
    keys: list[str]
    body: str
    connections: int
    seconds: float
    warm_up_seconds: float
    status: int = 200
    mark: str = "data: "
    """What each event of a stream has once; empty when nothing is streamed."""
    ending: str = ""
    """What the last bytes of a good answer hold."""
    requests: int | None = None
    """Send so many, after the warming up, instead of going on for `seconds`."""
    watched: dict[str, list[int]] = field(default_factory=dict)


@dataclass(slots=True)
class Tally:
    """What came in the measured window."""

    latencies: list[float] = field(default_factory=list)
    first_bytes: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    events: int = 0
    errors: Counter[str] = field(default_factory=Counter)


class Load:
    """Keeps `connections` exchanges going until it is told to stop."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.tally = Tally()
        self.measuring = not order.warm_up_seconds
        self.stopping = False
        self._asked = 0
        self._exchanges: list[Exchange] = []
        self._heads = cycle(_heads(order))
        self._body = order.body.encode()

    async def run(self) -> dict[str, Any]:
        order = self.order
        connections = [
            asyncio.create_task(self._connection(order.addresses[n % len(order.addresses)]))
            for n in range(order.connections)
        ]
        await asyncio.sleep(order.warm_up_seconds)
        before, seen, began = self._watch(), self._events(), time.perf_counter()
        self.measuring = True
        if order.requests:
            await asyncio.wait(connections)
        else:
            await asyncio.sleep(order.seconds)
        self.measuring, self.stopping = False, True
        lasted, after = time.perf_counter() - began, self._watch()
        self.tally.events = self._events() - seen
        ended, late = await asyncio.wait(connections, timeout=DRAIN_SECONDS)
        for task in ended:
            task.result()
        for task in late:
            task.cancel()
            self.tally.errors["no end of an answer"] += 1
        return _summary(order, self.tally, lasted, before, after)

    async def _connection(self, address: tuple[str, int]) -> None:
        """One client: opens again what the other side closed."""
        exchange: Exchange | None = None
        while not self.stopping and not self._asked_enough():
            self._asked += self.measuring
            try:
                if exchange is None or exchange.closed:
                    exchange = await Exchange.opened(address, self.order.mark.encode())
                    self._exchanges.append(exchange)
                sample = await exchange.ask(next(self._heads), self._body)
            except OSError as error:
                self.tally.errors[type(error).__name__] += 1
                await asyncio.sleep(0.05)
                continue
            self._note(sample)
        if exchange:
            exchange.close()

    def _asked_enough(self) -> bool:
        return self.order.requests is not None and self._asked >= self.order.requests

    def _note(self, sample: Sample) -> None:
        if fault := _fault(sample, self.order):
            self.tally.errors[fault] += 1
            return
        if not self.measuring:
            return
        self.tally.latencies.append(sample.seconds)
        self.tally.first_bytes.append(sample.first_byte_seconds)
        self.tally.gaps.append(sample.longest_gap_seconds)

    def _events(self) -> int:
        """As they arrived, whether their stream has ended or not."""
        return sum(exchange.all_events for exchange in self._exchanges)

    def _watch(self) -> dict[str, Taken]:
        own = Taken(time.process_time(), 0)
        return {"load": own} | {name: taken(pids) for name, pids in self.order.watched.items()}


def _heads(order: Order) -> list[bytes]:
    """The bytes before the body, for each key."""
    host, port = order.addresses[0]
    fixed = {
        "Host": f"{host}:{port}",
        "Content-Type": "application/json",
        "Content-Length": str(len(order.body.encode())),
        **order.headers,
    }
    return [
        "\r\n".join(
            [
                f"POST {order.path} HTTP/1.1",
                *(f"{k}: {v}" for k, v in {**fixed, "Authorization": f"Bearer {key}"}.items()),
                "\r\n",
            ]
        ).encode()
        for key in order.keys
    ]


def _fault(sample: Sample, order: Order) -> str:
    """What is wrong with an answer, or nothing."""
    if sample.status != order.status:
        return f"status {sample.status}: {sample.tail[:200].decode(errors='replace')}"
    if order.ending.encode() not in sample.tail:
        return f"no {order.ending} at its end"
    return ""


def percentiles(samples: list[float]) -> dict[str, float]:
    """Milliseconds, by the nearest rank."""
    ranked = sorted(samples)
    if not ranked:
        return {}
    found = {
        f"p{share}": ranked[min(len(ranked) - 1, len(ranked) * share // 100)]
        for share in (50, 95, 99)
    }
    return {name: value * 1000 for name, value in {**found, "max": ranked[-1]}.items()}


def _summary(
    order: Order,
    tally: Tally,
    lasted: float,
    before: dict[str, Taken],
    after: dict[str, Taken],
) -> dict[str, Any]:
    spent = {name: after[name].cpu_seconds - before[name].cpu_seconds for name in after}
    return {
        "seconds": lasted,
        "requests": len(tally.latencies),
        "events": tally.events,
        "errors": dict(tally.errors.most_common(5)),
        "latency_ms": percentiles(tally.latencies),
        "first_byte_ms": percentiles(tally.first_bytes),
        "gap_ms": percentiles(tally.gaps) if order.mark else {},
        "cpu_seconds": spent,
        "rss_bytes": {name: one.rss_bytes for name, one in after.items() if one.rss_bytes},
    }


def encoded(order: Order) -> bytes:
    return json.dumps(asdict(order)).encode()


def decoded(data: bytes) -> Order:
    values = json.loads(data)
    values["addresses"] = [(host, port) for host, port in values["addresses"]]
    return Order(**values)


def main() -> None:
    order = decoded(sys.stdin.buffer.read())
    print(json.dumps(uvloop.run(Load(order).run())))


if __name__ == "__main__":
    main()
