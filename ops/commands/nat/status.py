"""The NAT instance: the machine, the interface it holds, the routes, what its group did."""

import argparse
from collections.abc import Iterator, Sequence

from ops.aws.nat import Machine, Nat, Way
from ops.context import Context
from ops.exits import Exit
from ops.result import Level, Note, Result, Section, Table

HELP = "the NAT instance, its interface, the routes through it, and what its group did"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--check", action="store_true", help="exit 1 if something is not well")


def run(context: Context, args: argparse.Namespace) -> Result:
    nat = Nat(context)
    machines, way = nat.machines(), nat.way()
    wrong = list(problems(machines, way))
    sections: list[Section] = [
        Table(
            "Machines",
            ("instance", "zone", "state", "health"),
            [(one.id, one.zone, one.state, one.health) for one in machines],
        ),
        Table("Routes", ("table", "state"), way.routes if way else ()),
        Table(
            "Activities of the group",
            ("at", "status", "what", "why"),
            [(one.at, one.status, one.what, one.why) for one in nat.activities()],
        ),
        *[Note(one, Level.ERROR) for one in wrong],
    ]
    if not wrong:
        sections.append(Note("The NAT instance serves."))
    failed = args.check and bool(wrong)
    title = f"NAT instance {context.names.nat}"
    return Result(title, sections, exit=Exit.FAILED if failed else Exit.OK)


def problems(machines: Sequence[Machine], way: Way | None) -> Iterator[str]:
    """Why nothing gets out, as far as AWS can see."""
    serving = [one for one in machines if one.serves]
    if not serving:
        yield "No machine is in service."
    if way is None:
        yield "The interface that routes lead to is gone: terraform apply makes it."
        return
    if serving and way.holder != serving[0].id:
        yield f"{way.interface} is not held by {serving[0].id}, but by {way.holder or 'nobody'}."
    if not way.routes:
        yield f"No route leads to {way.interface}: terraform apply makes them."
    for table, state in way.routes:
        if state != "active":
            yield f"The route of {table} is {state}."
