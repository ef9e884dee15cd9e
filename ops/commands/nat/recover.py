"""Another NAT instance in place of one that does not serve."""

import argparse
from datetime import timedelta
from typing import Final

from ops import guard
from ops.aws.nat import Machine, Nat
from ops.commands.nat.status import problems
from ops.context import Context
from ops.durations import words
from ops.errors import TimedOut
from ops.result import Change, Note, Result

HELP = "replace the NAT instance if it does not serve, and wait until the new one does"
POLL_SECONDS: Final = 10
USUAL_SECONDS: Final = 8 * 60
NOBODY: Final = "none"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--replace", action="store_true", help="although AWS sees nothing wrong")


def run(context: Context, args: argparse.Namespace) -> Result:
    nat = Nat(context)
    machines = nat.machines()
    wrong = list(problems(machines, nat.way()))
    title = f"Recover the NAT instance {context.names.nat}"
    if not wrong and not args.replace:
        told = "It serves, as far as AWS can see. If nothing gets out all the same: --replace."
        return Result(title, [Note(told)])
    before = machines[0].id if machines else NOBODY
    changes = [Change("NAT instance", before, "a new one, which the group starts")]
    notes = [Note(one) for one in wrong]
    notes.append(Note("Until it serves nothing reaches Bedrock; answers under way break off."))
    if planned := guard.plan(context, title, changes, notes=notes):
        return planned
    for one in machines:
        context.say(f"{one.id}: ending it")
        nat.replace(one)
    took, new = _await(context, nat, {one.id for one in machines})
    notes.append(Note(f"{new.id} serves after {words(took)}."))
    return Result(title, notes, [Change("NAT instance", before, new.id)])


def _await(context: Context, nat: Nat, gone: set[str]) -> tuple[timedelta, Machine]:
    """How long it took, and who serves. Raises TimedOut."""
    began, said = context.clock(), ""
    limit = timedelta(seconds=context.limit(USUAL_SECONDS))
    while True:
        machines = [one for one in nat.machines() if one.id not in gone]
        wrong = list(problems(machines, nat.way()))
        if not wrong:
            return context.clock() - began, machines[0]
        if said != (said := " ".join(wrong)):
            context.say(said)
        if context.clock() - began >= limit:
            last = "\n".join(f"  {one.what} {one.why}" for one in nat.activities()[:3])
            raise TimedOut(f"After {words(limit)}: {said}", f"What the group did last:\n{last}")
        context.sleep(POLL_SECONDS)
