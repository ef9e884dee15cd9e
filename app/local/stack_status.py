"""`status`: what runs, where, and whether it is well."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.local.process import Daemon
from app.local.stack_observability import HEALTH, OBSERVERS
from app.local.stack_probe import health
from app.local.stack_state import State

STOPPED = "not running"


@dataclass(frozen=True, slots=True)
class Part:
    """One row of the table."""

    name: str
    pid: int | None
    ports: str
    health: str


def parts(state: State) -> list[Part]:
    """All parts that this stack consists of; as its last start chose them."""
    gateway, emulator = state.daemon("gateway"), state.daemon("emulator")
    found = [_gateway(gateway)]
    if gateway.notes().get("bedrock") != "aws":
        found.append(_on_one_port(emulator, "/__emulator__/usage"))
    server = state.postgres()
    well = "ok" if server.running() else "starting" if server.pid else STOPPED
    found.append(Part("postgres", server.pid, str(server.port or ""), well))
    observers = (state.daemon(name) for name in reversed(OBSERVERS))
    return found + [_on_one_port(daemon, HEALTH) for daemon in observers if daemon.notes()]


def _gateway(daemon: Daemon) -> Part:
    pid, notes = daemon.pid(), daemon.notes()
    if pid is None:
        return Part(daemon.name, None, "", STOPPED)
    public, internal = int(notes["port"]), int(notes["internal_port"])
    checks = (health(public, "/health/readiness"), health(internal, "/health/liveliness"))
    well = next((check for check in checks if check != "ok"), "ok")
    return Part(daemon.name, pid, f"{public}, {internal}", well)


def _on_one_port(daemon: Daemon, path: str) -> Part:
    pid, notes = daemon.pid(), daemon.notes()
    if pid is None:
        return Part(daemon.name, None, "", STOPPED)
    return Part(daemon.name, pid, notes["port"], health(int(notes["port"]), path))


def table(found: Sequence[Part]) -> str:
    """The parts in columns."""
    rows = [("part", "pid", "port", "health")]
    rows += [(part.name, str(part.pid or "-"), part.ports or "-", part.health) for part in found]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    return "\n".join(lines)
