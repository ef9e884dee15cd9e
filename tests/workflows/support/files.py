"""The workflows and actions, read."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
ACTIONS = sorted((GITHUB / "actions").glob("*/action.yml"))

Node = dict[str, Any]


class _Loader(yaml.SafeLoader):
    """YAML as GitHub reads it, in which the key `on` is a word and not a truth."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":bool")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), ["t", "f"])


def load(path: Path) -> Node:
    found: Node = yaml.load(path.read_text(), Loader=_Loader)
    return found


@dataclass(frozen=True, slots=True)
class Step:
    """One step and where it stands."""

    place: str
    node: Node

    @property
    def script(self) -> str:
        return str(self.node.get("run", ""))

    @property
    def uses(self) -> str:
        return str(self.node.get("uses", ""))


def steps() -> Iterator[Step]:
    """Of all jobs and all composite actions."""
    for place, job in jobs():
        for step in job.get("steps", ()):
            yield Step(f"{place}: {step.get('name')}", step)
    for path in ACTIONS:
        for step in load(path)["runs"]["steps"]:
            yield Step(f"{path.parent.name}: {step.get('name')}", step)


def jobs() -> Iterator[tuple[str, Node]]:
    for path in WORKFLOWS:
        for job, node in load(path)["jobs"].items():
            yield f"{path.name}: {job}", node


def operations() -> dict[str, Node]:
    """Workflows that run commands of ops, started by hand alone, by name."""
    found = {path.stem: load(path) for path in WORKFLOWS}
    return {name: one for name, one in found.items() if set(one["on"]) == {"workflow_dispatch"}}
