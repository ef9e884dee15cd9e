"""The bare relay, in as many processes as there are workers."""

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from app.local.ports import free_port
from benchmarks.processes import answers, started
from benchmarks.targets.target import MESSAGES, Place, Running, local


@contextmanager
def relay(place: Place) -> Iterator[Running]:
    with ExitStack() as stack:
        addresses, pids, since = [], [], time.monotonic()
        for number in range(place.workers):
            port = free_port()
            process = stack.enter_context(
                started(
                    "The bare relay",
                    [
                        *(sys.executable, "-m", "benchmarks.relay"),
                        *("--port", str(port), "--bedrock", place.bedrock),
                    ],
                    log=place.folder / f"relay-{number}.log",
                    ready=answers(port, "/docs"),
                )
            )
            addresses.append(local(port))
            pids.append(process.pid)
        yield Running(
            "relay",
            addresses,
            pids,
            MESSAGES,
            start_seconds=(time.monotonic() - since) / place.workers,
        )
