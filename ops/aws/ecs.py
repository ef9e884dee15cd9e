"""The cluster of an environment."""

from collections.abc import Iterator, Sequence
from typing import Any

from ops.aws.ecs_state import ServiceState, Task, service_of, task_of
from ops.aws.errors import translated
from ops.context import Context
from ops.errors import NotFound, OpsError


class Ecs:
    """What ECS is asked and told. All methods raise OpsError."""

    def __init__(self, context: Context) -> None:
        self._client = context.aws("ecs")
        self._cluster = context.names.cluster
        self._environment = context.environment

    def cluster(self) -> dict[str, Any]:
        """The cluster's own state."""
        with translated():
            found = self._client.describe_clusters(clusters=[self._cluster])["clusters"]
        if not found or found[0]["status"] != "ACTIVE":
            raise NotFound(
                f"There is no cluster {self._cluster}.",
                "Is this the right account and region? terraform apply makes it.",
            )
        return dict(found[0])

    def service_names(self) -> list[str]:
        """Of all services in the cluster."""
        arns = self._listed("list_services", "serviceArns")
        return sorted(arn.rpartition("/")[2] for arn in arns)

    def services(self, names: Sequence[str]) -> list[ServiceState]:
        """Those that there are, in the order of their names."""
        found = []
        for some in _chunks(sorted(names), 10):
            with translated():
                answer = self._client.describe_services(cluster=self._cluster, services=some)
            found += [service_of(one) for one in answer["services"]]
        return [one for one in found if one.status != "INACTIVE"]

    def service(self, name: str) -> ServiceState:
        """Raises NotFound where the environment has none of that name."""
        for found in self.services([name]):
            return found
        raise NotFound(
            f"{self._environment} runs no service {name}.",
            f"It runs {', '.join(self.service_names()) or 'none'}.",
        )

    def tasks(self, service: str | None = None, *, stopped: bool = False) -> list[Task]:
        """Of one service or all; those that ECS wants to run, or those that stopped lately."""
        which = {"serviceName": service} if service else {}
        status = "STOPPED" if stopped else "RUNNING"
        return self.tasks_by_arn(
            list(self._listed("list_tasks", "taskArns", desiredStatus=status, **which))
        )

    def tasks_by_arn(self, arns: Sequence[str]) -> list[Task]:
        found: list[Task] = []
        for some in _chunks(arns, 100):
            with translated():
                answer = self._client.describe_tasks(cluster=self._cluster, tasks=some)
            found += [task_of(one) for one in answer["tasks"]]
        return found

    def update(self, service: str, **changes: Any) -> ServiceState:
        """Change a service: `desiredCount`, `taskDefinition`, `forceNewDeployment`."""
        with translated():
            answer = self._client.update_service(cluster=self._cluster, service=service, **changes)
        return service_of(answer["service"])

    def run(self, family: str, network: dict[str, Any], container: dict[str, Any]) -> Task:
        """Start a one-off task on Fargate; `container` names one, and what is other in it."""
        with translated():
            answer = self._client.run_task(
                cluster=self._cluster,
                taskDefinition=family,
                launchType="FARGATE",
                networkConfiguration=network,
                overrides={"containerOverrides": [container]},
                startedBy="ops",
            )
        for failure in answer.get("failures", ()):
            raise OpsError(f"{family} does not start: {failure.get('reason', 'no reason given')}")
        return task_of(answer["tasks"][0])

    def execute(self, task: Task, container: str, command: str) -> dict[str, str]:
        """Begin a command; the answer is the address and token of its data channel."""
        with translated():
            answer = self._client.execute_command(
                cluster=self._cluster,
                task=task.arn,
                container=container,
                command=command,
                interactive=True,
            )
        return {**answer["session"]}

    def _listed(self, operation: str, field: str, **request: Any) -> Iterator[str]:
        pages = self._client.get_paginator(operation).paginate(cluster=self._cluster, **request)
        with translated():
            for page in pages:
                yield from page[field]


def _chunks(names: Sequence[str], size: int) -> Iterator[list[str]]:
    """As many as ECS takes at once."""
    for start in range(0, len(names), size):
        yield list(names[start : start + size])
