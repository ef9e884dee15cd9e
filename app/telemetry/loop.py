"""How late the event loop is, and how much is in it: what a request waits for beside all else."""

import asyncio
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, Histogram

PAUSE_SECONDS: Final = 0.25
BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)


class LoopLag:
    """Sleeps again and again, and notes by how much each sleep was too long."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._lag = Histogram(
            "gateway_event_loop_lag_seconds",
            "By how much the event loop was late.",
            registry=registry,
            buckets=BUCKETS,
        )

        self._tasks = Gauge(
            "gateway_event_loop_tasks",
            "Tasks of the event loop, a few for each open request.",
            registry=registry,
        )

    async def run(self) -> None:
        """For as long as the process lives, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + PAUSE_SECONDS
            await asyncio.sleep(PAUSE_SECONDS)
            self._lag.observe(max(0.0, loop.time() - due))
            self._tasks.set(len(asyncio.all_tasks()))
