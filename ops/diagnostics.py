"""What `ecs exec` may run anywhere: commands that read, and write no secret."""

import json
import secrets
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ops.errors import Misuse
from ops.services import FACTS

PROBES: Final = Path(__file__).parent / "probes"
STATUS: Final = "^(Name|State|VmRSS|Threads):"
WITHOUT_SHELL: Final = frozenset({"gateway"})
"""Its image needs no shell to be looked into: it has Python."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A command by name: the gateway's probe, what others run, or both."""

    name: str
    help: str
    probe: str | None = None
    command: tuple[str, ...] = ()


ALL: Final = {
    one.name: one
    for one in (
        Diagnostic(
            "processes",
            "name, state, memory and threads of each process",
            "processes.py",
            # Processes end while it looks, which is no failure.
            ("sh", "-c", f"grep -sH -E '{STATUS}' /proc/[0-9]*/status || true"),
        ),
        Diagnostic("disk", "how full file systems are", "disk.py", ("df", "-h")),
        Diagnostic(
            "memory",
            "memory of the task",
            "memory.py",
            ("grep", "-E", "^(MemTotal|MemAvailable|SwapFree):", "/proc/meminfo"),
        ),
        Diagnostic("health", "the health check; of the gateway, what it says", "health.py"),
        Diagnostic("database", "whether the gateway reaches its database", "database.py"),
        Diagnostic("bedrock", "whether the gateway reaches Bedrock", "bedrock.py"),
    )
}


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A command that tells how it ended in a line that nothing else can write."""

    command: str
    mark: str = field(repr=False)


def command_of(name: str, service: str) -> tuple[str, ...]:
    """What a diagnostic runs in a service. Raises Misuse."""
    found = ALL.get(name)
    if found is None:
        raise Misuse(f"There is no diagnostic {name!r}.", f"There are {', '.join(ALL)}.")
    if service == "gateway" and found.probe:
        return ("python", "-c", source(found.probe))
    if name == "health":
        return _health_check(service)
    if not found.command:
        raise Misuse(f"The diagnostic {name} is for the gateway.")
    return found.command


def source(probe: str) -> str:
    return (PROBES / probe).read_text()


def wrapped(argv: Sequence[str], service: str) -> Wrapped:
    """ECS Exec tells no exit code; so the last line does."""
    mark = f"ops-{secrets.token_hex(8)}:"
    if service in WITHOUT_SHELL:
        outer = ("python", "-c", source("run.py"), mark, *argv)
    else:
        script = f"{shlex.join(argv)}; printf '\\n%s%d\\n' {mark} $?"
        outer = ("sh", "-c", script)
    return Wrapped(shlex.join(outer), mark)


def _health_check(service: str) -> tuple[str, ...]:
    """The container's own, of services.json."""
    kind, *rest = json.loads(FACTS.read_text())[service]["health"]
    return ("sh", "-c", *rest) if kind == "CMD-SHELL" else tuple(rest)
