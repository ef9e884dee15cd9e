"""What happens when something breaks: `./dev chaos [--only NAME,…] [--long] [--write] [--list]`.

Each story runs gateways under load, breaks something, and checks the account to the last digit.
Exit code 1 if anything was lost, counted twice, or seen by clients that they should not see.
"""

import argparse
import asyncio
import os
import secrets
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.pages import write_section
from benchmarks.processes import end_in_order
from benchmarks.runs import machine
from tests.chaos.stories import STORIES, Ground, ground, told
from tests.chaos.story import LONG, SHORT, Size, Story
from tests.chaos.table import Told, line, table

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
LARGEST_SEED = 10_000


def main(argv: Sequence[str]) -> int:
    options = _options(argv)
    if options.list:
        _say("\n".join(f"{story.name:20} {story.breaks}" for story in STORIES))
        return 0
    end_in_order()
    stories = [story for story in STORIES if not options.only or story.name in options.only]
    size = LONG if options.long else SHORT
    seed = options.seed if options.seed is not None else secrets.randbelow(LARGEST_SEED)
    _say(f"{len(stories)} stories, --seed {seed}")
    with ground() as one:
        found = [_tell(story, one, size, seed) for story in stories]
    result = f"{_about(size, seed)}\n\n{table(found)}"
    _say(f"\n{result}")
    if options.write:
        write_section(PAGE, "chaos", result)
    return 1 if any(one.faults for one in found) else 0


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev chaos", description=__doc__)
    names = {story.name for story in STORIES}

    def known(text: str) -> list[str]:
        if unknown := set(text.split(",")) - names:
            raise argparse.ArgumentTypeError(f"no such story: {', '.join(sorted(unknown))}")
        return text.split(",")

    parser.add_argument("--only", type=known, metavar="NAME,…", help="these stories alone")
    parser.add_argument("--long", action="store_true", help="more load, faults again and again")
    parser.add_argument("--seed", type=int, help="the same random moments as another run")
    parser.add_argument("--write", action="store_true", help="the table goes into docs/reliability")
    parser.add_argument("--list", action="store_true", help="what there is")
    return parser.parse_args(argv)


def _tell(story: Story, on: Ground, size: Size, seed: int) -> Told:
    if story.needs_root and os.geteuid() != 0:
        return Told(story, None, ("left out: only root can mount the small disk that is filled",))
    try:
        report = asyncio.run(told(story, on, size, seed))
    except (AssertionError, TimeoutError) as error:
        one = Told(story, None, (f"{type(error).__name__}: {error}",))
    else:
        one = Told(story, report, tuple(story.faults(report)))
    _say(line(one))
    return one


def _about(size: Size, seed: int) -> str:
    form = "long" if size is LONG else "short"
    return f"{datetime.now(UTC):%Y-%m-%d}, {machine()}; the {form} form, seed {seed}."


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
