"""A diagnostic, or a command of one's own, inside of a running container."""

import argparse
import shlex
from typing import Final

from ops import diagnostics, services
from ops.aws.ecs import Ecs
from ops.aws.ecs_state import Task
from ops.context import Context
from ops.errors import Misuse, NotFound, OpsError, Refused
from ops.exits import Exit
from ops.result import Facts, Level, Note, Result, Section, Text
from ops.session.channel import run as run_session
from ops.session.encryption import Encryption, new_encryption
from ops.session.output import Output

HELP = "run a diagnostic inside of a service's container"
USUAL_SECONDS: Final = 60


def arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("service", help="the service")
    add("diagnostic", nargs="?", help=f"one of {', '.join(diagnostics.ALL)}")
    add("--command", help="a command of your own, in quotes; not in a workflow")
    add("--task", help="id of the task; without, the youngest")


def run(context: Context, args: argparse.Namespace) -> Result:
    service = services.find(args.service).name
    argv = _argv(context, service, args)
    ecs = Ecs(context)
    task = _task(ecs, service, args.task)
    wrapped = diagnostics.wrapped(argv, service)
    what = args.diagnostic or argv[0]
    context.say(f"{service}: {what} in task {task.id}")
    session = ecs.execute(task, service, wrapped.command)
    output = Output(context.emit, wrapped.mark)
    run_session(
        session,
        lambda key: _encryption(context, key, session["sessionId"], task, service),
        output.take,
        context.limit(USUAL_SECONDS),
    )
    output.end()
    return _result(f"{what} in {service}", task, output)


def _argv(context: Context, service: str, args: argparse.Namespace) -> tuple[str, ...]:
    """What to run. A command of one's own could show secrets to all who read a workflow's log."""
    listed = f"Diagnostics are {', '.join(diagnostics.ALL)}."
    if (args.diagnostic is None) == (args.command is None):
        raise Misuse("Name a diagnostic, or a --command.", listed)
    if args.diagnostic is not None:
        return diagnostics.command_of(args.diagnostic, service)
    if context.in_workflow:
        raise Refused("In a workflow only diagnostics are run.", listed)
    try:
        argv = tuple(shlex.split(args.command))
    except ValueError as error:
        raise Misuse(f"--command cannot be read: {error}") from error
    if not argv:
        raise Misuse("--command is empty.", listed)
    return argv


def _task(ecs: Ecs, service: str, wanted: str | None) -> Task:
    """The one named, else the youngest that can be looked into. Raises OpsError."""
    ecs.service(service)
    running = [task for task in ecs.tasks(service) if task.status == "RUNNING"]
    if wanted is not None:
        running = [task for task in running if task.id == wanted]
    if not running:
        which = f"task {wanted}" if wanted else "running task"
        raise NotFound(f"{service} has no {which}.", "See `ecs status`.")
    ready = [task for task in running if _agent(task, service) == "RUNNING"]
    if not ready:
        raise OpsError(
            f"Nothing can be run in {service}: the agent of ECS Exec is "
            f"{_agent(running[0], service) or 'not there'} in task {running[0].id}.",
            "A task that has just started needs some seconds; one that runs since before ECS Exec "
            "was switched on wants `ecs restart`.",
        )
    return max(ready, key=lambda task: (task.started is not None, task.started, task.id))


def _agent(task: Task, service: str) -> str:
    container = task.container(service)
    return container.exec_agent if container else ""


def _encryption(context: Context, key: str, session: str, task: Task, service: str) -> Encryption:
    """The target's name is how Session Manager calls a container of ECS."""
    container = task.container(service)
    runtime = container.runtime_id if container else ""
    target = f"ecs:{context.names.cluster}_{task.id}_{runtime}"
    words = {"aws:ssm:SessionId": session, "aws:ssm:TargetId": target}
    return new_encryption(context.aws("kms"), key, words)


def _result(title: str, task: Task, output: Output) -> Result:
    sections: list[Section] = [
        Text("Output", output.lines, streamed=True),
        Facts("Command", [("task", task.id), ("exit code", output.exit_code)]),
    ]
    if output.truncated:
        sections.append(Note("There was more output than is shown.", Level.WARNING))
    if output.exit_code is None:
        sections.append(Note("The command did not tell how it ended.", Level.ERROR))
    failed = output.exit_code != 0
    return Result(title, sections, exit=Exit.FAILED if failed else Exit.OK)
