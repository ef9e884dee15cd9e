"""As many tasks as wanted, and autoscaling that does not undo it."""

import argparse
from typing import Final

from ops import guard, services
from ops.aws.autoscaling import Autoscaling, Bounds
from ops.aws.ecs import Ecs
from ops.aws.ecs_state import ServiceState
from ops.context import Context
from ops.durations import words
from ops.errors import Misuse, OpsError
from ops.result import Change, Note, Result
from ops.rollout import watch

HELP = "run 0 to 3 tasks of a service"
MOST: Final = 3


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("service", help="the service")
    parser.add_argument("count", type=int, help=f"tasks, 0 to {MOST}")
    parser.add_argument("--no-wait", action="store_true", help="do not wait until they run")


def run(context: Context, args: argparse.Namespace) -> Result:
    count: int = args.count
    known = services.find(args.service)
    if not 0 <= count <= MOST:
        raise Misuse(f"{count} is not within 0 and {MOST}.", "More is for Terraform to say.")
    if count > 1 and known.keeps_data:
        raise Misuse(f"{known.name} keeps data on one volume, so it runs as one task.")
    ecs, autoscaling = Ecs(context), Autoscaling(context)
    state, bounds = ecs.service(known.name), autoscaling.bounds(known.name)
    changes = _changes(state, bounds, count)
    notes = _notes(bounds, count)
    title = f"Scale {known.name} in {context.names.cluster}"
    if not changes:
        return Result(title, [Note(f"{known.name} has {count} tasks already."), *notes])
    large = []
    if count == 0 and context.is_prod:
        large = [f"Nothing of {known.name} would run in prod."]
    if planned := guard.plan(context, title, changes, notes=notes, large=large):
        return planned
    changed = _scale(ecs, autoscaling, state, bounds, count)
    if not args.no_wait:
        notes.append(Note(f"Stable after {words(watch(context, ecs, changed))}."))
    return Result(title, notes, changes)


def _changes(state: ServiceState, bounds: Bounds | None, count: int) -> list[Change]:
    changes = []
    if bounds and bounds.widened(count) != bounds:
        after = str(bounds.widened(count))
        changes.append(Change(f"autoscaling of {state.name}", str(bounds), after))
    if state.desired != count:
        changes.append(Change(f"tasks of {state.name}", state.desired, count))
    return changes


def _notes(bounds: Bounds | None, count: int) -> list[Note]:
    if bounds is None:
        return []
    widened = bounds.widened(count)
    notes = []
    if widened.least != widened.most:
        notes.append(Note(f"By its load autoscaling goes on choosing from {widened} tasks."))
    if widened != bounds:
        notes.append(Note("The next terraform apply sets its bounds again."))
    return notes


def _scale(
    ecs: Ecs, autoscaling: Autoscaling, state: ServiceState, bounds: Bounds | None, count: int
) -> ServiceState:
    """Bounds first: outside of them the number would not last."""
    widened = bounds.widened(count) if bounds else None
    if widened is None or widened == bounds:
        return ecs.update(state.name, desiredCount=count)
    autoscaling.register(state.name, widened)
    try:
        return ecs.update(state.name, desiredCount=count)
    except OpsError:
        if bounds:
            autoscaling.register(state.name, bounds)
        raise
