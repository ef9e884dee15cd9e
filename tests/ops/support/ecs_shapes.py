"""Services and tasks of the fake cluster, and how ECS describes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

ACCOUNT = "123456789012"
ARN = f"arn:aws:ecs:us-west-1:{ACCOUNT}"
NUMBERS = count(1)


@dataclass
class Rollout:
    """A deployment."""

    revision: str
    desired: int
    id: str = field(default_factory=lambda: f"ecs-svc/{next(NUMBERS):019d}")
    status: str = "PRIMARY"
    state: str = "IN_PROGRESS"
    reason: str = ""
    running: int = 0
    pending: int = 0
    failed: int = 0


@dataclass
class Running:
    """A service."""

    name: str
    rollouts: list[Rollout]
    desired: int
    target_groups: Sequence[str] = ()
    events: list[dict[str, Any]] = field(default_factory=list)
    good: str = ""
    """The last revision that was deployed to the end."""

    @property
    def primary(self) -> Rollout:
        return self.rollouts[0]


@dataclass
class OneOff:
    """A task that ends by itself."""

    revision: str
    exit_code: int
    states: list[str] = field(default_factory=lambda: ["PENDING", "RUNNING", "STOPPED"])
    id: str = field(default_factory=lambda: f"{next(NUMBERS):032x}")


def service_shape(service: Running, at: datetime) -> dict[str, Any]:
    return {
        "serviceName": service.name,
        "status": "ACTIVE",
        "desiredCount": service.desired,
        "runningCount": sum(one.running for one in service.rollouts),
        "pendingCount": sum(one.pending for one in service.rollouts),
        "taskDefinition": service.primary.revision,
        "deployments": [_rollout(one, at) for one in service.rollouts],
        "events": service.events[:100],
        "loadBalancers": [
            {"targetGroupArn": arn, "containerName": service.name, "containerPort": 4000}
            for arn in service.target_groups
        ],
        "networkConfiguration": {
            "awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"]}
        },
    }


def task_shape(
    id_: str, service: Running, rollout: Rollout, *, cluster: str, agent: str, at: datetime
) -> dict[str, Any]:
    failed = int(id_[16:], 16) >= 99
    container: dict[str, Any] = {
        "name": service.name,
        "lastStatus": "STOPPED" if failed else "RUNNING",
        "healthStatus": "UNKNOWN" if failed else "HEALTHY",
        "runtimeId": f"{id_}-runtime",
        "managedAgents": [{"name": "ExecuteCommandAgent", "lastStatus": agent}],
    }
    if failed:
        container["reason"] = "CannotPullContainerError: no such image"
    return {
        "taskArn": f"{ARN}:task/{cluster}/{id_}",
        "group": f"service:{service.name}",
        "taskDefinitionArn": rollout.revision,
        "lastStatus": container["lastStatus"],
        "healthStatus": container["healthStatus"],
        "startedAt": at,
        "containers": [container],
        **({"stoppedReason": "Task failed to start"} if failed else {}),
    }


def one_off_shape(task: OneOff, definition_: Mapping[str, Any], *, cluster: str) -> dict[str, Any]:
    status = task.states[0]
    name = definition_["containerDefinitions"][0]["name"]
    ended = {"exitCode": task.exit_code} if status == "STOPPED" else {}
    return {
        "taskArn": f"{ARN}:task/{cluster}/{task.id}",
        "group": f"family:{definition_['family']}",
        "taskDefinitionArn": definition_["taskDefinitionArn"],
        "lastStatus": status,
        "containers": [{"name": name, "lastStatus": status, **ended}],
    }


def _rollout(one: Rollout, at: datetime) -> dict[str, Any]:
    return {
        "id": one.id,
        "status": one.status,
        "taskDefinition": one.revision,
        "desiredCount": one.desired,
        "runningCount": one.running,
        "pendingCount": one.pending,
        "failedTasks": one.failed,
        "rolloutState": one.state,
        "rolloutStateReason": one.reason,
        "createdAt": at,
    }
