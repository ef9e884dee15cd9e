"""Tell a pull request what Terraform would change, in one comment for each environment."""

import argparse
from typing import Final

from ops.context import Context
from ops.exits import Exit
from ops.plan import comment, document, inputs
from ops.plan.repository import repository
from ops.result import Change, Result

HELP: Final = "tell a pull request what Terraform would change; without one, only show it"


def arguments(parser: argparse.ArgumentParser) -> None:
    inputs.arguments(parser)
    parser.add_argument("--pull-request", type=inputs.number, metavar="NUMBER", help="whom to tell")


def run(context: Context, args: argparse.Namespace) -> Result:
    environment = context.names.environment
    plan = document.read(args.plan)
    source = inputs.source(context, args.commit)
    if plan is None:
        body = comment.of_failure(inputs.log(args), environment, source)
    else:
        body = comment.of_plan(plan, environment, source)
    changes = [_write(context, args.pull_request, body)] if args.pull_request else []
    return Result(
        f"Plan of {environment}",
        inputs.failure(inputs.log(args)) if plan is None else inputs.sections(plan),
        changes,
        planned=not context.yes,
        exit=Exit.FAILED if plan is None else Exit.OK,
    )


def _write(context: Context, number: int, body: str) -> Change:
    """Update the comment that there is, or write the first."""
    wanted = comment.marker(body)
    with repository(context.environ, context.sleep) as github:
        earlier = [
            one
            for one in github.comments(number)
            if (found := comment.marker(one["body"])) and wanted and found.same_place(wanted)
        ]
        what, before = f"comment on #{number}", earlier[0]["html_url"] if earlier else None
        if not context.yes:
            return Change(what, before, "the new plan")
        if earlier:
            return Change(what, before, github.rewrite(earlier[0]["id"], body))
        return Change(what, None, github.comment(number, body))
