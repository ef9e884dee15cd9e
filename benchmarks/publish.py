"""Puts a run into the documents: `python -m benchmarks.publish [.local/bench/<time>]`.

Keeps its results in `benchmarks/results/`, and makes the tables and plots of docs/benchmarks.md
from the newest that is kept there. Without a folder the page is only made anew.
"""

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.pages import write_page
from benchmarks.plots import write_plots
from benchmarks.processes import ROOT
from benchmarks.report import summary
from benchmarks.runs import read

KEPT: Final = ROOT / "benchmarks" / "results"
PAGE: Final = ROOT / "docs" / "benchmarks.md"
PLOTS: Final = ROOT / "docs" / "benchmarks"
NONE_YET: Final = "No run has been published yet: `python -m benchmarks.publish` does it."


def newest() -> Path | None:
    """They are named by when they were made."""
    return max(KEPT.glob("*.json"), default=None)


def sections() -> dict[str, str]:
    """What stands between the page's marks."""
    path = newest()
    if path is None:
        return {"results": NONE_YET}
    pictures = [
        f"![{name}](benchmarks/{name}.svg)"
        for name in ("latency", "memory", "cost")
        if (PLOTS / f"{name}.svg").exists()
    ]
    return {"results": "\n\n".join([summary(read(path)).rstrip(), *pictures])}


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Put a run into docs/benchmarks.md.")
    parser.add_argument("folder", type=Path, nargs="?", help="where ./dev bench wrote it")
    folder = parser.parse_args(argv).folder
    if folder:
        run = read(folder / "results.json")
        if run.invalid():
            print(f"{folder} has wrong answers; it is not published.", file=sys.stderr)
            return 1
        shutil.copy(folder / "results.json", KEPT / f"{folder.resolve().name}.json")
    path = newest()
    if path:
        PLOTS.mkdir(exist_ok=True)
        write_plots(read(path), PLOTS)
    write_page(PAGE, sections())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
