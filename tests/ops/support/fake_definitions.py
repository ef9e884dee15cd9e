"""Task definitions as ECS keeps them."""

from collections.abc import Mapping
from typing import Any

from tests.ops.support.clock import FakeClock
from tests.ops.support.ecs_shapes import ACCOUNT, ARN
from tests.ops.support.fake_client import FakeService, Refusal


class FakeDefinitions(FakeService):
    """Revisions by family; lists come in pages of `page`."""

    service = "ecs"

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.clock = clock
        self.definitions: dict[str, list[dict[str, Any]]] = {}
        self.page = 10

    def register_task_definition(self, tags: Any = None, **given: Any) -> Mapping[str, Any]:
        revisions = self.definitions.setdefault(given["family"], [])
        number = len(revisions) + 1
        made = {
            **given,
            "taskDefinitionArn": f"{ARN}:task-definition/{given['family']}:{number}",
            "revision": number,
            "status": "ACTIVE",
            "registeredAt": self.clock(),
            "registeredBy": f"arn:aws:sts::{ACCOUNT}:assumed-role/apply",
            "compatibilities": ["EC2", "FARGATE"],
            "requiresAttributes": [{"name": "com.amazonaws.ecs.capability.ecr-auth"}],
        }
        revisions.append({"taskDefinition": made, "tags": tags or []})
        return {"taskDefinition": made, "tags": tags or []}

    def describe_task_definition(self, taskDefinition: str, **_: Any) -> Mapping[str, Any]:
        name = taskDefinition.rpartition("/")[2]
        if ":" not in name and name in self.definitions:
            return self.definitions[name][-1]
        family, _colon, number = name.rpartition(":")
        revisions = self.definitions.get(family, [])
        if not number.isdigit() or not 0 < int(number) <= len(revisions):
            raise Refusal("ClientException", "Unable to describe task definition.")
        return revisions[int(number) - 1]

    def list_task_definitions(
        self, familyPrefix: str, status: str, nextToken: str = ""
    ) -> Mapping[str, Any]:
        arns = [
            one["taskDefinition"]["taskDefinitionArn"]
            for family, revisions in self.definitions.items()
            if family.startswith(familyPrefix)
            for one in revisions
            if one["taskDefinition"]["status"] == status
        ]
        return self.paged("taskDefinitionArns", arns, nextToken)

    def definition(self, name: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.describe_task_definition(name)["taskDefinition"]
        return found

    def newest(self, family: str) -> str:
        return str(self.definition(family)["taskDefinitionArn"])

    def paged(self, field_: str, rows: list[str], token: str) -> Mapping[str, Any]:
        start = int(token or 0)
        end = start + self.page
        more = {"nextToken": str(end)} if end < len(rows) else {}
        return {field_: rows[start:end], **more}


def definition(family: str, container: str, image: str = "") -> dict[str, Any]:
    """What registers a task definition such as Terraform's."""
    made = image or f"{ACCOUNT}.dkr.ecr.us-west-1.amazonaws.com/stargate-poc/{container}:1"
    return {
        "family": family,
        "containerDefinitions": [
            {
                "name": container,
                "image": made,
                "essential": True,
                "readonlyRootFilesystem": True,
                "environment": [{"name": "AWS_REGION", "value": "us-west-1"}],
                "linuxParameters": {"initProcessEnabled": True},
            }
        ],
        "cpu": "256",
        "memory": "512",
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "executionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/{family}-execution",
        "taskRoleArn": f"arn:aws:iam::{ACCOUNT}:role/{family}-task",
        "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
        "tags": [{"key": "environment", "value": "poc"}],
    }
