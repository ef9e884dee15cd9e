"""A cluster whose deployments take time, and can fail.

Each step of the clock every service moves on: tasks start, become ready, old ones drain; a revision
in `broken` never gets a task to run, until the circuit breaker gives it up and goes back. Not
proved: placement, capacity, and how long anything takes in AWS.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.ops.support.clock import FakeClock
from tests.ops.support.ecs_shapes import (
    ARN,
    NUMBERS,
    OneOff,
    Rollout,
    Running,
    one_off_shape,
    service_shape,
    task_shape,
)
from tests.ops.support.fake_client import Refusal
from tests.ops.support.fake_definitions import FakeDefinitions, definition

GIVES_UP_AFTER = 2


class FakeEcs(FakeDefinitions):
    """The cluster `stargate-poc` (or of another environment)."""

    def __init__(self, clock: FakeClock, cluster: str = "stargate-poc") -> None:
        super().__init__(clock)
        self.cluster = cluster
        self.running: dict[str, Running] = {}
        self.tasks: list[OneOff] = []
        self.broken: set[str] = set()
        self.exit_codes: dict[str, int] = {}
        self.session: dict[str, str] = {}
        self.commands: list[str] = []
        self.agent = "RUNNING"
        self.on_stable: list[Any] = []
        self.on_run: list[Any] = []
        clock.on_tick(self.step)

    # What tests set up

    def has(self, name: str, tasks: int = 1, target_groups: Sequence[str] = ()) -> Running:
        """A service that runs, with one revision."""
        self.register_task_definition(**definition(f"{self.cluster}-{name}", name))
        revision = self.newest(f"{self.cluster}-{name}")
        rollout = Rollout(revision, tasks, state="COMPLETED", running=tasks)
        made = Running(name, [rollout], tasks, target_groups, good=revision)
        self.running[name] = made
        return made

    def step(self) -> None:
        for service in self.running.values():
            self._move(service)
        for task in self.tasks:
            if len(task.states) > 1:
                task.states.pop(0)

    def _move(self, service: Running) -> None:
        primary = service.primary
        primary.desired = service.desired
        if primary.revision in self.broken and primary.state == "IN_PROGRESS":
            primary.failed += 1
            self._say(service, f"(task {primary.failed:032x}) failed to start.")
            if primary.failed >= GIVES_UP_AFTER:
                self._give_up(service)
        elif primary.running > primary.desired:
            primary.running = primary.desired
        elif primary.pending:
            primary.running, primary.pending = primary.running + primary.pending, 0
            self._say(service, f"has started {primary.running} tasks.")
        elif primary.running < primary.desired:
            primary.pending = primary.desired - primary.running
        elif primary.state == "IN_PROGRESS":
            service.rollouts = [primary]
            primary.state, service.good = "COMPLETED", primary.revision
            self._say(service, "has reached a steady state.")
            for told in self.on_stable:
                told(service.name)

    def _give_up(self, service: Running) -> None:
        failed = service.primary
        failed.state, failed.status = "FAILED", "ACTIVE"
        failed.reason = "ECS deployment circuit breaker: tasks failed to start."
        back = Rollout(service.good, service.desired, running=service.desired)
        service.rollouts = [back, failed]

    def _say(self, service: Running, words: str) -> None:
        event = {
            "id": f"event-{next(NUMBERS)}",
            "createdAt": self.clock(),
            "message": f"(service {service.name}) {words}",
        }
        service.events.insert(0, event)

    # What AWS answers

    def describe_clusters(self, clusters: Sequence[str], **_: Any) -> Mapping[str, Any]:
        if self.cluster not in clusters:
            return {"clusters": [], "failures": [{"arn": clusters[0], "reason": "MISSING"}]}
        state = {
            "clusterName": self.cluster,
            "status": "ACTIVE",
            "activeServicesCount": len(self.running),
            "runningTasksCount": sum(r.running for s in self.running.values() for r in s.rollouts),
            "pendingTasksCount": sum(r.pending for s in self.running.values() for r in s.rollouts),
        }
        return {"clusters": [state], "failures": []}

    def list_services(self, cluster: str, nextToken: str = "", **_: Any) -> Mapping[str, Any]:
        self._check(cluster)
        arns = [f"{ARN}:service/{cluster}/{name}" for name in self.running]
        return self.paged("serviceArns", arns, nextToken)

    def describe_services(self, cluster: str, services: Sequence[str]) -> Mapping[str, Any]:
        self._check(cluster)
        assert len(services) <= 10, "ECS takes ten at a time"
        found = [
            service_shape(self.running[name], self.clock())
            for name in services
            if name in self.running
        ]
        failures = [
            {"arn": f"{ARN}:service/{cluster}/{name}", "reason": "MISSING"}
            for name in services
            if name not in self.running
        ]
        return {"services": found, "failures": failures}

    def update_service(
        self,
        cluster: str,
        service: str,
        desiredCount: int | None = None,
        taskDefinition: str | None = None,
        forceNewDeployment: bool = False,
    ) -> Mapping[str, Any]:
        self._check(cluster)
        found = self.running.get(service)
        if found is None:
            raise Refusal("ServiceNotFoundException", "Service not found.")
        if desiredCount is not None:
            found.desired = found.primary.desired = desiredCount
        revision = taskDefinition or found.primary.revision
        if forceNewDeployment or revision != found.primary.revision:
            self.definition(revision)
            for old in found.rollouts:
                old.status = "ACTIVE"
            found.rollouts.insert(0, Rollout(revision, found.desired))
        return {"service": service_shape(found, self.clock())}

    def list_tasks(
        self,
        cluster: str,
        serviceName: str = "",
        desiredStatus: str = "RUNNING",
        nextToken: str = "",
    ) -> Mapping[str, Any]:
        self._check(cluster)
        chosen = [one for one in self.running.values() if serviceName in ("", one.name)]
        arns = [
            f"{ARN}:task/{cluster}/{id_}"
            for one in chosen
            for id_, stopped in self._task_ids(one)
            if stopped == (desiredStatus == "STOPPED")
        ]
        return self.paged("taskArns", arns, nextToken)

    def describe_tasks(self, cluster: str, tasks: Sequence[str]) -> Mapping[str, Any]:
        self._check(cluster)
        assert len(tasks) <= 100, "ECS takes a hundred at a time"
        found = [self._task(arn.rpartition("/")[2]) for arn in tasks]
        return {"tasks": found, "failures": []}

    def run_task(
        self, cluster: str, taskDefinition: str, overrides: Mapping[str, Any], **_: Any
    ) -> Mapping[str, Any]:
        self._check(cluster)
        family = self.definition(taskDefinition)["family"]
        task = OneOff(taskDefinition, self.exit_codes.get(family, 0))
        self.tasks.append(task)
        for told in self.on_run:
            task.exit_code = told(task.id, overrides["containerOverrides"][0])
        return {"tasks": [self._task(task.id)], "failures": []}

    def execute_command(self, command: str, task: str, container: str, **_: Any) -> Any:
        self.commands.append(command)
        return {"session": self.session, "taskArn": task, "containerName": container}

    def _check(self, cluster: str) -> None:
        if cluster != self.cluster:
            raise Refusal("ClusterNotFoundException", "Cluster not found.")

    def _task_ids(self, service: Running) -> list[tuple[str, bool]]:
        ids = []
        for one in service.rollouts:
            number = int(one.id.rpartition("/")[2])
            ids += [(f"{number:016x}{index:016x}", False) for index in range(one.running)]
            ids += [(f"{number:016x}{index + 99:016x}", True) for index in range(one.failed)]
        return ids

    def _task(self, id_: str) -> dict[str, Any]:
        for one_off in self.tasks:
            if one_off.id == id_:
                return one_off_shape(
                    one_off, self.definition(one_off.revision), cluster=self.cluster
                )
        for service in self.running.values():
            for rollout in service.rollouts:
                if id_.startswith(f"{int(rollout.id.rpartition('/')[2]):016x}"):
                    return task_shape(
                        id_,
                        service,
                        rollout,
                        cluster=self.cluster,
                        agent=self.agent,
                        at=self.clock(),
                    )
        raise AssertionError(id_)
