"""What the README says in passing is so."""

import re
import runpy
from pathlib import Path

import pytest

from benchmarks.pages import renewed
from benchmarks.publish import in_short

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
FEATURES = README.split("## What it does")[1].split("\n\n")[1].splitlines()[2:]


@pytest.mark.parametrize("row", FEATURES, ids=lambda row: row.split("|")[1].strip())
def test_each_thing_that_it_does_is_shown_by_a_test_or_by_figures(row: str) -> None:
    shown = re.findall(r"\]\(([^)]+)\)", row.split("|")[3])

    assert shown
    assert all(link.startswith(("tests/", "docs/reliability.md")) for link in shown)


def test_the_cost_is_the_one_that_was_computed() -> None:
    poc = (ROOT / "docs" / "cost.md").read_text().split("<!-- end of poc -->")[0]
    (total,) = re.findall(r"\*\*in all\*\* \| \| \*\*(\d+)\*\*", poc)

    assert f"about {total} USD a month" in README


def test_the_figures_are_those_of_the_run_that_is_kept() -> None:
    assert renewed(README, in_short()) == README


def test_every_command_is_named() -> None:
    commands = runpy.run_path(str(ROOT / "dev"), run_name="read")["COMMANDS"]

    assert [verb for verb in commands if f"./dev {verb}" not in README] == []
