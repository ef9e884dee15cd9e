"""The services and one-off tasks of the platform, as Terraform and the tests read them."""

import difflib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ops.errors import NotFound

FACTS: Final = (
    Path(__file__).resolve().parent.parent / "infra/terraform/modules/platform/services.json"
)


@dataclass(frozen=True, slots=True)
class Service:
    """One entry of services.json. A task has no service in ECS: it runs, and ends."""

    name: str
    group: str
    is_task: bool
    keeps_data: bool


def everything() -> dict[str, Service]:
    """Services and one-off tasks by name."""
    facts = json.loads(FACTS.read_text())
    return {
        name: Service(
            name,
            one["group"],
            one.get("kind") == "task",
            "volume_path" in one,
        )
        for name, one in facts.items()
    }


def services() -> dict[str, Service]:
    """Those that go on running."""
    return {name: one for name, one in everything().items() if not one.is_task}


def find(name: str, *, among: dict[str, Service] | None = None) -> Service:
    """The service of that name. Raises NotFound."""
    known = services() if among is None else among
    if name in known:
        return known[name]
    close = difflib.get_close_matches(name, known, 1)
    meant = f"Did you mean {close[0]}? " if close else ""
    raise NotFound(f"There is no service {name!r}.", f"{meant}There are {', '.join(known)}.")
