"""Puts a run into the documents: `python -m benchmarks.publish [.local/bench/<time>]`.

Keeps its results in `benchmarks/results/`, and makes the tables and plots of docs/benchmarks.md
from the newest that is kept there. Without a folder the page is only made anew.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.pages import write_page
from benchmarks.plots import write_plots
from benchmarks.processes import ROOT
from benchmarks.report import number, summary, table
from benchmarks.runs import read, write

KEPT: Final = ROOT / "benchmarks" / "results"
PAGE: Final = ROOT / "docs" / "benchmarks.md"
README: Final = ROOT / "README.md"
PLOTS: Final = ROOT / "docs" / "benchmarks"
IN_SHORT: Final = {
    "gateway": "this gateway",
    "litellm": "LiteLLM, without a database",
    "portkey": "Portkey, without keys or budgets",
    "claude-gateway": "Claude apps gateway",
    "relay": "a bare FastAPI relay",
}
ROWS: Final = (
    ("small messages/s", "messages", "rate"),
    ("streams of Claude Code's size/s", "code-stream", "rate"),
    ("ms of CPU a message", "messages", "cpu_ms"),
    ("added ms, 10 at once, 50 ms upstream, p50", "upstream-50", "added_p50"),
    ("streamed events/s", "burst", "events_rate"),
    ("MB under load", "messages", "rss_mb"),
)
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


def in_short() -> dict[str, str]:
    """What stands between the marks of the README: some rows, for those who only want to know."""
    path = newest()
    if path is None:
        return {"speed": NONE_YET}
    run = read(path)
    targets = [name for name in IN_SHORT if name in run.about]
    rows = [
        [words, *(number(run.figures(scenario, target).get(what)) for target in targets)]
        for words, scenario, what in ROWS
    ]
    rows.append(["seconds to ready", *(number(run.about[one].start_seconds) for one in targets)])
    return {"speed": table(["", *(IN_SHORT[one] for one in targets)], rows)}


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Put a run into docs/benchmarks.md.")
    parser.add_argument("folder", type=Path, nargs="?", help="where ./dev bench wrote it")
    folder = parser.parse_args(argv).folder
    if folder:
        run = read(folder / "results.json")
        if run.invalid():
            print(f"{folder} has wrong answers; it is not published.", file=sys.stderr)
            return 1
        # How an installer failed is that machine's business; that it did is everybody's.
        run.missing = {name: why.partition(":")[0] for name, why in run.missing.items()}
        write(run, KEPT / f"{folder.resolve().name}.json")
    path = newest()
    if path:
        PLOTS.mkdir(exist_ok=True)
        write_plots(read(path), PLOTS)
    write_page(PAGE, sections())
    write_page(README, in_short())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
