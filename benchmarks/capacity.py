"""What to set for how many developers: `python -m benchmarks.capacity [--developers N]`.

The tables of docs/capacity.md are made by `--write`, from the inputs in `capacity.json`.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from math import ceil
from pathlib import Path
from typing import Final

from benchmarks.capacity_model import (
    Inputs,
    Load,
    Needs,
    carries,
    load_of,
    measured_in,
    needs,
    read_inputs,
    write_inputs,
)
from benchmarks.pages import write_page
from benchmarks.processes import ROOT
from benchmarks.report import number, table
from benchmarks.runs import read

PAGE: Final = ROOT / "docs" / "capacity.md"
SIZES: Final = (10, 100, 1_000, 10_000)


@dataclass(frozen=True, slots=True)
class DatabaseClass:
    """`cores` that it may use for ever: burstable classes save up credits below their baseline.
    Connections are RDS's default, the memory in bytes / 9,531,392."""

    name: str
    cores: float
    connections: int


CLASSES: Final = (
    DatabaseClass("db.t4g.micro", 0.2, 112),
    DatabaseClass("db.t4g.small", 0.4, 225),
    DatabaseClass("db.t4g.medium", 0.4, 450),
    DatabaseClass("db.t4g.large", 0.6, 901),
    DatabaseClass("db.m7g.large", 2, 901),
    DatabaseClass("db.m7g.xlarge", 4, 1802),
    DatabaseClass("db.m7g.2xlarge", 8, 3604),
)
DATABASE_TARGET: Final = 0.6
ROLLING_DEPLOYMENT: Final = 2
"""While a deployment runs, the old tasks and the new hold their connections together."""

NAT_INSTANCE_MEGABITS: Final = 32
"""What a t4g.nano may send for ever; beyond that it uses up credits."""


def database_class(wanted: Needs) -> DatabaseClass:
    """The smallest that has room. Raises ValueError if none has."""
    for one in CLASSES:
        roomy = wanted.database_connections * ROLLING_DEPLOYMENT <= one.connections
        if roomy and wanted.database_cores <= one.cores * DATABASE_TARGET:
            return one
    raise ValueError("no class of the list carries that: split the ledger, or add larger classes")


def way_out(load: Load) -> str:
    """How requests get to Bedrock."""
    enough = load.megabits_per_second <= NAT_INSTANCE_MEGABITS
    return "NAT instance" if enough else "VPC endpoint"


def load_table(inputs: Inputs, sizes: Sequence[int] = SIZES) -> str:
    rows = []
    for size in sizes:
        load = load_of(size, inputs.habits)
        rows.append(
            [
                f"{size:,}",
                number(load.requests_per_second),
                number(load.streams),
                f"{load.peak_streams:,}",
                f"{load.peak_requests_in_a_second:,}",
                number(load.megabits_per_second),
                f"{load.requests_per_second * 60:,.0f}",
                f"{load.tokens_per_minute / 1e6:,.2f}",
            ]
        )
    heads = [
        *("developers", "requests/s", "streams", "at most", "in a second at most", "Mbit/s"),
        *("Bedrock requests/min", "million tokens/min"),
    ]
    return table(heads, rows)


def setting_table(inputs: Inputs, sizes: Sequence[int] = SIZES) -> str:
    rows = []
    for size in sizes:
        load = load_of(size, inputs.habits)
        wanted = needs(load, inputs)
        rows.append(
            [
                f"{size:,}",
                f"{wanted.tasks}",
                f"{max(wanted.tasks + 2, ceil(wanted.tasks * 1.5))}",
                number(wanted.cores),
                database_class(wanted).name,
                number(wanted.database_cores),
                f"{wanted.database_connections}",
                number(wanted.statements_per_second),
                number(wanted.log_gb_per_month),
                way_out(load),
            ]
        )
    heads = [
        *("developers", "tasks min", "max", "vCPU in use", "database", "its cores in use"),
        *("connections", "statements/s", "GB of log/month", "to Bedrock by"),
    ]
    return table(heads, rows)


def task_table(inputs: Inputs) -> str:
    one, task = carries(inputs), inputs.task
    rows = [
        ["requests/s by CPU", number(one.requests_by_cpu)],
        ["streams by CPU", number(one.requests_by_cpu * inputs.habits.seconds_per_answer)],
        ["streams by memory", number(one.streams_by_memory)],
        ["streams by connections to Bedrock", number(one.streams_by_connections)],
        ["developers", f"{one.developers:,}"],
        ["its limit", one.limit],
    ]
    return table(
        [f"a task of {task.vcpu:g} vCPU and {task.memory_mb / 1000:g} GB", "carries"], rows
    )


def input_table(inputs: Inputs) -> str:
    rows = [
        [f"{group}: {name}", str(value)]
        for group, values in asdict(inputs).items()
        for name, value in values.items()
    ]
    return table(["input", "value"], rows)


def sections(inputs: Inputs) -> dict[str, str]:
    """What stands between the page's marks."""
    return {
        "inputs": input_table(inputs),
        "task": task_table(inputs),
        "load": load_table(inputs),
        "settings": setting_table(inputs),
    }


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="What to set for how many developers.")
    parser.add_argument("--developers", type=int, action="append", metavar="N")
    parser.add_argument("--write", action="store_true", help=f"renew {PAGE.name}")
    parser.add_argument(
        "--measured", type=Path, metavar="results.json", help="take what requests cost from a run"
    )
    options = parser.parse_args(argv)
    inputs = read_inputs()
    if options.measured:
        inputs = replace(inputs, measured=measured_in(read(options.measured), inputs.measured))
        write_inputs(inputs)
    if options.write:
        write_page(PAGE, sections(inputs))
        return 0
    sizes = options.developers or SIZES
    print(
        "\n\n".join([task_table(inputs), load_table(inputs, sizes), setting_table(inputs, sizes)])
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
