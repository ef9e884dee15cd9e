"""An environment, planned and applied in the stand-in, and questions about it."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from app.local.files import locked
from tests.infra.support.terraform import Terraform, copy_infra

EXAMPLE_VALUES = "-var-file=terraform.tfvars.example"
COMPLETE = "complete.json"
LOCAL_STATE = 'terraform {\n  backend "local" {}\n}\n'

Statement = dict[str, Any]


def many(value: Any) -> list[str]:
    """IAM writes one string where there is only one."""
    return value if isinstance(value, list) else [value]


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource as it is after the apply."""

    address: str
    kind: str
    values: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def policy(self, attribute: str = "policy") -> list[Statement]:
        """The statements of a policy document, parsed."""
        statements: list[Statement] = json.loads(self.values[attribute])["Statement"]
        return statements


@dataclass
class Deployment:
    """What `terraform show -json` says of the plan and of the state after it."""

    name: str
    folder: Path
    plan: dict[str, Any]
    state: dict[str, Any]

    @cached_property
    def resources(self) -> list[Resource]:
        return list(_resources(self.state["values"]["root_module"]))

    @cached_property
    def outputs(self) -> dict[str, Any]:
        return {name: one["value"] for name, one in self.state["values"]["outputs"].items()}

    def all(self, *kinds: str) -> list[Resource]:
        return [one for one in self.resources if one.kind in kinds]

    def only(self, kind: str, end: str = "") -> Resource:
        """The resource of that kind whose address ends so."""
        found = [one for one in self.all(kind) if one.address.endswith(end)]
        assert len(found) == 1, [one.address for one in found]
        return found[0]

    def service(self, kind: str, service: str) -> list[Resource]:
        """What module ecs-service made of that kind for a service."""
        inside = f'module.platform.module.service["{service}"].'
        return [one for one in self.all(kind) if one.address.startswith(inside)]

    def containers(self, service: str) -> dict[str, dict[str, Any]]:
        """The containers of a service's task definition, by name."""
        definition = self.service("aws_ecs_task_definition", service)[0]
        return {one["name"]: one for one in json.loads(definition["container_definitions"])}


def _resources(module: dict[str, Any]) -> Iterator[Resource]:
    for one in module.get("resources", []):
        if one["mode"] == "managed":
            yield Resource(one["address"], one["type"], one["values"])
    for child in module.get("child_modules", []):
        yield from _resources(child)


def planned(terraform: Terraform, infra: Path, name: str, *options: str) -> Deployment:
    """Plan only: for questions about what is known before anything exists."""
    folder = infra / "environments" / name
    (folder / "backend_override.tf").write_text(LOCAL_STATE)
    terraform.must(folder, "init", "-input=false")
    terraform.must(folder, "plan", EXAMPLE_VALUES, "-out=all.tfplan", *options)
    plan = terraform.document(folder, "show", "-json", "all.tfplan")
    return Deployment(name, folder, plan, {"values": plan["planned_values"]})


def deploy(terraform: Terraform, infra: Path, name: str, *options: str) -> Deployment:
    """Plan and apply an environment with its example's values and a state of its own."""
    found = planned(terraform, infra, name, *options)
    terraform.must(found.folder, "apply", "all.tfplan")
    found.state = terraform.document(found.folder, "show", "-json")
    return found


def deployed_once(terraform: Terraform, infra: Path, name: str, shared: Path) -> Deployment:
    """The environment as the first worker that needs it deploys it, below `shared`; each gets a
    copy of its folder, with its state."""
    made = shared / name
    with locked(shared / f"{name}.lock"):
        if not (made / COMPLETE).exists():
            shutil.rmtree(made, ignore_errors=True)
            found = deploy(terraform, copy_infra(made), name)
            (made / COMPLETE).write_text(json.dumps([found.plan, found.state]))
    plan, state = json.loads((made / COMPLETE).read_text())
    folder = infra / "environments" / name
    shutil.copytree(
        made / folder.relative_to(infra.parents[1]), folder, symlinks=True, dirs_exist_ok=True
    )
    return Deployment(name, folder, plan, state)
