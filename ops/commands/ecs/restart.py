"""New tasks in place of those that run, from the same revision."""

import argparse

from ops import guard, services
from ops.aws.ecs import Ecs
from ops.aws.ecs_state import ServiceState
from ops.context import Context
from ops.durations import words
from ops.errors import Misuse
from ops.result import Change, Level, Note, Result
from ops.rollout import watch

HELP = "replace the tasks of a service, or of all, one after the other"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("service", nargs="?", help="the service")
    parser.add_argument("--all", action="store_true", help="all services (needs --force)")
    parser.add_argument("--no-wait", action="store_true", help="do not wait until it is stable")


def run(context: Context, args: argparse.Namespace) -> Result:
    if args.all == bool(args.service):
        raise Misuse("Name one service, or --all.", f"There are {', '.join(services.services())}.")
    ecs = Ecs(context)
    chosen = _chosen(ecs, args.service)
    running = [one for one in chosen if one.desired]
    changes = [
        Change(f"tasks of {one.name}", f"{one.running} of {one.revision}", "new ones of the same")
        for one in running
    ]
    title = f"Restart in {context.names.cluster}"
    notes = _notes(chosen)
    large = [f"{len(running)} services would be restarted."] if len(running) > 1 else []
    if planned := guard.plan(context, title, changes, notes=notes, large=large):
        return planned
    for one in running:
        context.say(f"{one.name}: restarting")
        state = ecs.update(one.name, forceNewDeployment=True)
        if not args.no_wait:
            # One after the other: where the first fails, the others still run as before.
            notes.append(Note(f"{one.name} is stable after {words(watch(context, ecs, state))}."))
    return Result(title, notes, changes)


def _chosen(ecs: Ecs, name: str | None) -> list[ServiceState]:
    if name:
        return [ecs.service(services.find(name).name)]
    there = {one.name: one for one in ecs.services(ecs.service_names())}
    return [there[name] for name in services.services() if name in there]


def _notes(chosen: list[ServiceState]) -> list[Note]:
    known = services.services()
    notes = [Note(f"{one.name} has no tasks to restart.") for one in chosen if not one.desired]
    return notes + [
        Note(f"{one.name} keeps data: it stops before it starts again.", Level.WARNING)
        for one in chosen
        if one.desired and known[one.name].keeps_data
    ]
