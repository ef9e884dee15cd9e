"""Run a one-off task to its end."""

from datetime import datetime, timedelta
from typing import Any, Final

from ops.aws.ecs import Ecs
from ops.aws.ecs_state import Task
from ops.aws.logs import Entry, Logs, Which
from ops.context import Context
from ops.durations import words
from ops.errors import OpsError, TimedOut

POLL_SECONDS: Final = 5
USUAL_SECONDS: Final = 15 * 60
LAST_LINES: Final = 20


def run_to_end(
    context: Context,
    ecs: Ecs,
    service: str,
    revision: str,
    network: dict[str, Any],
    **override: Any,
) -> Task:
    """The task; `override` are the container's command and environment, where they are others.

    Raises OpsError unless the task's container ends with exit code 0.
    """
    began = context.clock()
    limit = timedelta(seconds=context.limit(USUAL_SECONDS))
    task, said = ecs.run(revision, network, {"name": service, **override}), ""
    while task.status != "STOPPED":
        if task.status != said:
            said = task.status
            context.say(f"{service}: task {task.id} is {said.lower()}")
        if context.clock() - began >= limit:
            raise TimedOut(
                f"{service} has not ended after {words(limit)}.", f"Task {task.id} goes on."
            )
        context.sleep(POLL_SECONDS)
        task = next(iter(ecs.tasks_by_arn([task.arn])), task)
    container = task.container(service)
    code = container.exit_code if container else None
    if code != 0:
        ended = f"ended with exit code {code}" if code is not None else "did not run"
        reason = container.reason if container else ""
        raise OpsError(
            f"{service} {ended}: {reason or task.stopped_reason or 'see its log'}",
            _last_lines(context, service, task, began),
        )
    context.say(f"{service}: ended with exit code 0")
    return task


def written(context: Context, service: str, task: Task, since: datetime) -> list[Entry]:
    """What a task wrote. Raises OpsError."""
    which = Which(context.names.log_group(service), streams=(f"{service}/{service}/{task.id}",))
    return list(Logs(context).between(which, since, context.clock()))


def _last_lines(context: Context, service: str, task: Task, began: datetime) -> str:
    """What the task wrote at last; an error here must not hide the one that is told."""
    try:
        entries = written(context, service, task, began)
    except OpsError as error:
        return f"Its log cannot be read: {error.message}"
    return "\n".join(str(entry) for entry in entries[-LAST_LINES:])
