"""What the commands about plans are given, and what all of them show."""

import argparse
import re
from pathlib import Path
from typing import Final

from ops.context import Context
from ops.plan import comment
from ops.plan.document import Plan
from ops.plan.risk import risks
from ops.result import Level, Note, Section, Table, Text

COMMIT: Final = re.compile(r"[0-9a-f]{40}")
NO_LOG: Final = Path("/dev/null")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--plan",
        type=Path,
        required=True,
        metavar="FILE",
        help="what `terraform show -json` wrote; no such file means that the plan failed",
    )
    parser.add_argument(
        "--log", type=Path, default=NO_LOG, metavar="FILE", help="what terraform plan said"
    )
    parser.add_argument(
        "--commit", type=commit, required=True, metavar="SHA", help="what was planned"
    )


def commit(text: str) -> str:
    """For argparse."""
    if not COMMIT.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no commit; it has 40 hexadecimal digits")
    return text


def number(text: str) -> int:
    """For argparse: of a pull request."""
    if not re.fullmatch(r"[1-9]\d{0,8}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of a pull request")
    return int(text)


def log(args: argparse.Namespace) -> str:
    """What Terraform said; it may have ended before it could."""
    try:
        return str(args.log.read_text(errors="replace"))
    except FileNotFoundError:
        return ""


def source(context: Context, planned: str) -> str:
    """Where a comment comes from: the commit, and the run."""
    known = context.environ
    server, name = known.get("GITHUB_SERVER_URL"), known.get("GITHUB_REPOSITORY")
    run = known.get("GITHUB_RUN_ID")
    link = f", [this run]({server}/{name}/actions/runs/{run})" if server and name and run else ""
    return f"Commit {planned}{link}."


def sections(plan: Plan) -> list[Section]:
    """A plan as a result shows it."""
    shown: list[Section] = [Note(comment.counts(plan))]
    if plan.is_empty:
        return shown
    found = risks(plan)
    if found:
        rows = [(one.change.action, one.change.address, one.why) for one in found]
        shown.append(Table("Look at these first", ("action", "resource", "why"), rows))
    rows = [(one.action, one.address, ", ".join(one.differing[:12])) for one in plan.changes]
    return [*shown, Table("Everything", ("action", "resource", "attributes"), rows)]


def failure(said: str) -> list[Section]:
    """A plan that could not be made, as a result shows it."""
    lines = said.splitlines()[-comment.LOG_LINES :]
    return [Note("The plan failed.", Level.ERROR), Text("How its output ends", lines)]
