"""What runs, on which revision, and whether it is well."""

import argparse
from collections.abc import Iterator, Sequence

from ops import services
from ops.aws.ecs import Ecs
from ops.aws.ecs_state import ServiceState, Task, revision_of
from ops.aws.targets import Target, targets
from ops.context import Context
from ops.exits import Exit
from ops.result import Facts, Level, Note, Result, Section, Table

HELP = "services, tasks, deployments, events and target health"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("service", nargs="?", help="one service; without, all")
    parser.add_argument("--events", type=int, default=5, help="events of each service (5)")
    parser.add_argument("--check", action="store_true", help="exit 1 if something is not well")


def run(context: Context, args: argparse.Namespace) -> Result:
    ecs = Ecs(context)
    if args.service:
        found = [ecs.service(services.find(args.service).name)]
    else:
        found = ecs.services(ecs.service_names())
    tasks = ecs.tasks(args.service)
    health = [
        one
        for service in found
        for group in service.target_groups
        for one in targets(context, group)
    ]
    problems = [*_problems(found), *_sick(tasks), *_unreachable(health)]
    well = Note("All services are stable.")
    sections: list[Section] = [
        _cluster(ecs),
        _services(found),
        _deployments(found),
        _tasks(tasks),
        _targets(health),
        _events(found, args.events),
        *(problems or [well]),
    ]
    failed = args.check and bool(problems)
    return Result(
        f"Services of {context.names.cluster}", sections, exit=Exit.FAILED if failed else Exit.OK
    )


def _cluster(ecs: Ecs) -> Facts:
    raw = ecs.cluster()
    return Facts(
        "Cluster",
        [
            ("name", raw["clusterName"]),
            ("status", raw["status"]),
            ("services", raw["activeServicesCount"]),
            ("tasks running", raw["runningTasksCount"]),
            ("tasks pending", raw["pendingTasksCount"]),
        ],
    )


def _services(found: Sequence[ServiceState]) -> Table:
    rows = [(s.name, s.status, s.desired, s.running, s.pending, s.revision) for s in found]
    return Table(
        "Services", ("service", "status", "desired", "running", "pending", "revision"), rows
    )


def _deployments(found: Sequence[ServiceState]) -> Table:
    rows = [
        (
            s.name,
            d.status,
            d.rollout,
            revision_of(d.task_definition),
            d.running,
            d.desired,
            d.failed,
            d.created,
        )
        for s in found
        for d in s.deployments
    ]
    columns = (
        "service",
        "deployment",
        "rollout",
        "revision",
        "running",
        "desired",
        "failed",
        "since",
    )
    return Table("Deployments", columns, rows)


def _tasks(tasks: Sequence[Task]) -> Table:
    rows = [
        (t.service, t.id, t.status, t.health, t.revision, t.started)
        for t in sorted(tasks, key=lambda task: (task.service, task.id))
    ]
    return Table("Tasks", ("service", "task", "status", "health", "revision", "started"), rows)


def _targets(health: Sequence[Target]) -> Table:
    rows = [(t.group, t.address, t.state, t.reason) for t in health]
    return Table("Targets of the load balancer", ("group", "address", "state", "reason"), rows)


def _events(found: Sequence[ServiceState], count: int) -> Table:
    rows = [(s.name, e.at, e.message) for s in found for e in s.events[: max(0, count)]]
    return Table("Events", ("service", "at", "event"), rows)


def _problems(found: Sequence[ServiceState]) -> Iterator[Note]:
    for service in found:
        for deployment in service.deployments:
            if deployment.rollout == "FAILED":
                text = f"A deployment of {service.name} failed: {deployment.reason}"
                yield Note(text, Level.ERROR)
        if service.running < service.desired:
            text = f"{service.name} runs {service.running} of {service.desired} tasks."
            yield Note(text, Level.ERROR if service.running == 0 else Level.WARNING)
        elif not service.is_stable:
            yield Note(f"{service.name} is being deployed.", Level.WARNING)


def _sick(tasks: Sequence[Task]) -> Iterator[Note]:
    for task in tasks:
        if task.health == "UNHEALTHY":
            yield Note(f"Task {task.id} of {task.service} is not healthy.", Level.WARNING)


def _unreachable(health: Sequence[Target]) -> Iterator[Note]:
    for target in health:
        if target.state == "unhealthy":
            text = f"Target {target.address} of {target.group} is unhealthy: {target.reason}"
            yield Note(text, Level.WARNING)
