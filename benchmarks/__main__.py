"""`./dev bench`: the gateway beside its peers, in one run, on this machine."""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.install import KEPT
from benchmarks.measure import Length
from benchmarks.plots import write_plots
from benchmarks.processes import end_in_order
from benchmarks.report import summary
from benchmarks.rounds import Plan, run
from benchmarks.runs import write
from benchmarks.scenarios import QUICK, SCENARIOS, chosen
from benchmarks.targets.registry import OURS, TARGETS

INVALID = 1
WRONG_ARGUMENTS = 2


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./dev bench", description=__doc__, epilog="What is measured: docs/benchmarks.md"
    )
    parser.add_argument(
        "--quick", action="store_true", help="gateway and relay, few scenarios, under 90 seconds"
    )
    parser.add_argument(
        "--only",
        metavar="NAMES",
        help="scenarios, with commas; `paced` stands for all that begin with `paced-`",
    )
    parser.add_argument("--targets", metavar="NAMES", help=f"of {', '.join(TARGETS)}")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, help="of each scenario against each target")
    parser.add_argument(
        "--workers", type=int, default=1, help="processes of each target (speed-up: run 1 and 2)"
    )
    parser.add_argument(
        "--history-rows", type=int, default=0, help="rows in the spend log before anything starts"
    )
    parser.add_argument("--list", action="store_true", help="the scenarios, and nothing else")
    return parser.parse_args(argv)


def plan(options: argparse.Namespace) -> Plan:
    """Raises ValueError for names that nothing has."""
    every = [one.name for one in SCENARIOS]
    scenarios = options.only.split(",") if options.only else QUICK if options.quick else every
    targets = options.targets.split(",") if options.targets else OURS if options.quick else TARGETS
    if unknown := set(targets) - set(TARGETS):
        raise ValueError(f"no target is called {', '.join(sorted(unknown))}")
    return Plan(
        chosen(scenarios),
        {name: TARGETS[name] for name in targets},
        Length(options.seconds or (1.2 if options.quick else 2), 0.3 if options.quick else 0.5),
        options.rounds or (3 if options.quick else 2),
        warm_up_seconds=2 if options.quick else 6,
        workers=options.workers,
        history_rows=options.history_rows,
    )


def main(argv: Sequence[str]) -> int:
    end_in_order()
    options = arguments(argv)
    if options.list:
        for one in SCENARIOS:
            print(f"{one.name:18} {one.words}")
        return 0
    try:
        found = run(plan(options), lambda line: print(line, file=sys.stderr, flush=True))
    except ValueError as error:
        print(error, file=sys.stderr)
        return WRONG_ARGUMENTS
    folder = Path(KEPT, f"{datetime.now(UTC):%Y%m%d-%H%M%S}")
    folder.mkdir(parents=True)
    text = summary(found)
    (folder / "summary.md").write_text(text)
    write(found, folder / "results.json")
    write_plots(found, folder)
    print(f"{text}\nWritten to {folder}")
    return INVALID if found.invalid() else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
