"""Back to the revision that ran before."""

import argparse

from ops import guard, services
from ops.aws.ecs import Ecs
from ops.aws.task_definitions import TaskDefinitions
from ops.context import Context
from ops.durations import words
from ops.result import Change, Note, Result
from ops.rollout import watch

HELP = "go back to the previous active revision of a service, or to a given one"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("service", nargs="?", default="gateway", help="the service (gateway)")
    parser.add_argument("--to", type=int, help="number of the revision")
    parser.add_argument("--no-wait", action="store_true", help="do not wait until it is stable")


def run(context: Context, args: argparse.Namespace) -> Result:
    name = services.find(args.service).name
    ecs, revisions = Ecs(context), TaskDefinitions(context)
    state = ecs.service(name)
    target = revisions.before(state.revision, args.to)
    title = f"Roll {name} back in {context.names.cluster}"
    if target.name == state.revision:
        return Result(title, [Note(f"{name} runs {target.name} already.")])
    running = revisions.get(state.task_definition)
    changes = [
        Change(f"revision of {name}", state.revision, target.name),
        Change(f"image of {name}", running.image(name), target.image(name)),
    ]
    notes = [Note("The next terraform apply deploys what Terraform describes again.")]
    if planned := guard.plan(context, title, changes, notes=notes):
        return planned
    changed = ecs.update(name, taskDefinition=target.arn)
    if not args.no_wait:
        notes.append(Note(f"Stable after {words(watch(context, ecs, changed))}."))
    return Result(title, notes, changes)
