"""Refuse a plan that is not the one that was reviewed."""

import argparse
from typing import Final

from ops.context import Context
from ops.errors import OpsError, Refused
from ops.plan import comment, document, inputs
from ops.plan.fingerprint import fingerprint
from ops.plan.repository import Repository, repository
from ops.result import Note, Result

HELP: Final = "refuse a plan that is not the one in the comment on the merged pull request"
INSTEAD: Final = (
    "Read the plan in this run's summary. To apply it, run the workflow terraform-apply by hand: "
    "it plans anew, and asks for approval of what it then shows."
)


def arguments(parser: argparse.ArgumentParser) -> None:
    inputs.arguments(parser)


def run(context: Context, args: argparse.Namespace) -> Result:
    environment = context.names.environment
    plan = document.read(args.plan)
    if plan is None:
        raise OpsError("There is no plan to check.", inputs.log(args)[-2000:])
    if plan.is_empty:
        return Result(f"Plan of {environment}", [Note("No changes; nothing to review.")])
    with repository(context.environ, context.sleep) as github:
        number = github.merged_as(args.commit)
        if number is None:
            raise Refused(f"No pull request was merged as {args.commit}.", INSTEAD)
        reviewed = _reviewed(github, number, environment)
    if not reviewed:
        raise Refused(f"#{number} has no plan of {environment} that could be reviewed.", INSTEAD)
    if reviewed != fingerprint(plan):
        raise Refused(
            f"This plan of {environment} is not the one that #{number} showed: "
            "the code, its values, or what runs there moved on since.",
            INSTEAD,
        )
    return Result(
        f"Plan of {environment}", [Note(f"It is the plan that was reviewed in #{number}.")]
    )


def _reviewed(github: Repository, number: int, environment: str) -> str:
    """The fingerprint of the plan that the comment shows; empty if there is none."""
    place = comment.Marker("plan", environment)
    found = [comment.marker(one["body"]) for one in github.comments(number)]
    return next((one.fingerprint for one in found if one and one.same_place(place)), "")
