"""Revisions of task definitions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ops.aws.ecs_state import revision_of
from ops.aws.errors import translated
from ops.context import Context
from ops.errors import NotFound, OpsError


@dataclass(frozen=True, slots=True)
class Revision:
    """One task definition, with all that registering it again takes."""

    arn: str
    request: Mapping[str, Any]

    @property
    def name(self) -> str:
        """`family:number`."""
        return revision_of(self.arn)

    @property
    def family(self) -> str:
        return self.name.rpartition(":")[0]

    def image(self, container: str) -> str:
        """Raises OpsError where there is no such container."""
        return str(self._container(container)["image"])

    def with_image(self, container: str, image: str) -> Mapping[str, Any]:
        """What registers the same with another image."""
        self._container(container)
        containers = [
            {**one, "image": image} if one["name"] == container else one
            for one in self.request["containerDefinitions"]
        ]
        return {**self.request, "containerDefinitions": containers}

    def _container(self, name: str) -> Mapping[str, Any]:
        for one in self.request["containerDefinitions"]:
            if one["name"] == name:
                found: Mapping[str, Any] = one
                return found
        raise OpsError(f"{self.name} has no container {name}.")


class TaskDefinitions:
    """Raises OpsError, all of it."""

    def __init__(self, context: Context) -> None:
        self._client = context.aws("ecs")

    def get(self, name: str) -> Revision:
        """By ARN, `family:number`, or a family, whose newest it is."""
        with translated():
            answer = self._client.describe_task_definition(taskDefinition=name, include=["TAGS"])
        found = answer["taskDefinition"]
        operation = self._client.meta.service_model.operation_model("RegisterTaskDefinition")
        # What AWS adds (revision, status, who registered it) cannot be sent back.
        taken = set(operation.input_shape.members) - {"tags"}
        request = {field: value for field, value in found.items() if field in taken}
        if answer.get("tags"):
            request["tags"] = answer["tags"]
        return Revision(found["taskDefinitionArn"], request)

    def register(self, request: Mapping[str, Any]) -> Revision:
        with translated():
            answer = self._client.register_task_definition(**request)
        return Revision(answer["taskDefinition"]["taskDefinitionArn"], request)

    def numbers(self, family: str) -> list[int]:
        """Of its active revisions, the newest first."""
        pages = self._client.get_paginator("list_task_definitions").paginate(
            familyPrefix=family, status="ACTIVE"
        )
        with translated():
            arns = [arn for page in pages for arn in page["taskDefinitionArns"]]
        names = [revision_of(arn).rpartition(":") for arn in arns]
        return sorted((int(number) for name, _, number in names if name == family), reverse=True)

    def before(self, current: str, to: int | None) -> Revision:
        """The active revision before `family:number`, or that of the number `to`."""
        family, _, number = current.rpartition(":")
        active = self.numbers(family)
        wanted = [one for one in active if (one < int(number) if to is None else one == to)]
        if not wanted:
            there = ", ".join(map(str, active[:10])) or "none"
            what = f"revision before {number}" if to is None else f"revision {to}"
            raise NotFound(f"{family} has no active {what}.", f"Active are {there}.")
        return self.get(f"{family}:{wanted[0]}")
