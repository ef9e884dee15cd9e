"""What ECS tells of services and tasks."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Deployment:
    """One revision on its way in, in place, or on its way out."""

    id: str
    status: str
    rollout: str
    reason: str
    task_definition: str
    desired: int
    running: int
    pending: int
    failed: int
    created: datetime | None

    @property
    def is_primary(self) -> bool:
        return self.status == "PRIMARY"


@dataclass(frozen=True, slots=True)
class Event:
    """What ECS says that it did, or could not."""

    id: str
    at: datetime
    message: str


@dataclass(frozen=True, slots=True)
class ServiceState:
    """A service as it is now."""

    name: str
    status: str
    desired: int
    running: int
    pending: int
    task_definition: str
    deployments: tuple[Deployment, ...]
    events: tuple[Event, ...]
    target_groups: tuple[str, ...]
    network: dict[str, Any]

    @property
    def revision(self) -> str:
        """`family:number`."""
        return revision_of(self.task_definition)

    @property
    def primary(self) -> Deployment | None:
        return next((one for one in self.deployments if one.is_primary), None)

    @property
    def is_stable(self) -> bool:
        """One deployment, completed, with as many tasks as it should have."""
        primary = self.primary
        return (
            primary is not None
            and len(self.deployments) == 1
            and primary.rollout in ("", "COMPLETED")
            and self.running == self.desired
            and self.pending == 0
        )


@dataclass(frozen=True, slots=True)
class Container:
    """A container of a task."""

    name: str
    status: str
    health: str
    exit_code: int | None
    reason: str
    exec_agent: str
    runtime_id: str


@dataclass(frozen=True, slots=True)
class Task:
    """A task as it is now, or was when it stopped."""

    arn: str
    group: str
    revision: str
    status: str
    health: str
    started: datetime | None
    stopped_reason: str
    containers: tuple[Container, ...]

    @property
    def id(self) -> str:
        return self.arn.rpartition("/")[2]

    @property
    def service(self) -> str:
        return self.group.removeprefix("service:")

    def container(self, name: str) -> Container | None:
        return next((one for one in self.containers if one.name == name), None)


def revision_of(arn: str) -> str:
    """`family:number` of a task definition's ARN."""
    return arn.rpartition("/")[2]


def service_of(raw: dict[str, Any]) -> ServiceState:
    return ServiceState(
        name=raw["serviceName"],
        status=raw["status"],
        desired=raw["desiredCount"],
        running=raw["runningCount"],
        pending=raw["pendingCount"],
        task_definition=raw["taskDefinition"],
        deployments=tuple(map(_deployment, raw.get("deployments", ()))),
        events=tuple(_event(one) for one in raw.get("events", ())),
        target_groups=tuple(
            one["targetGroupArn"] for one in raw.get("loadBalancers", ()) if "targetGroupArn" in one
        ),
        network=raw.get("networkConfiguration", {}),
    )


def task_of(raw: dict[str, Any]) -> Task:
    return Task(
        arn=raw["taskArn"],
        group=raw.get("group", ""),
        revision=revision_of(raw["taskDefinitionArn"]),
        status=raw.get("lastStatus", ""),
        health=raw.get("healthStatus", "UNKNOWN"),
        started=raw.get("startedAt"),
        stopped_reason=raw.get("stoppedReason", ""),
        containers=tuple(map(_container, raw.get("containers", ()))),
    )


def _deployment(raw: dict[str, Any]) -> Deployment:
    return Deployment(
        id=raw["id"],
        status=raw["status"],
        rollout=raw.get("rolloutState", ""),
        reason=raw.get("rolloutStateReason", ""),
        task_definition=raw["taskDefinition"],
        desired=raw["desiredCount"],
        running=raw["runningCount"],
        pending=raw["pendingCount"],
        failed=raw.get("failedTasks", 0),
        created=raw.get("createdAt"),
    )


def _event(raw: dict[str, Any]) -> Event:
    return Event(raw["id"], raw["createdAt"], raw["message"])


def _container(raw: dict[str, Any]) -> Container:
    agents = {one.get("name"): one.get("lastStatus", "") for one in raw.get("managedAgents", ())}
    return Container(
        name=raw["name"],
        status=raw.get("lastStatus", ""),
        health=raw.get("healthStatus", "UNKNOWN"),
        exit_code=raw.get("exitCode"),
        reason=raw.get("reason", ""),
        exec_agent=agents.get("ExecuteCommandAgent", ""),
        runtime_id=raw.get("runtimeId", ""),
    )
