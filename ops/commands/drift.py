"""Whether an environment is as it is described, kept as one issue for each environment."""

import argparse
from typing import Final

from ops.context import Context
from ops.exits import Exit
from ops.plan import comment, document, inputs
from ops.plan.document import Plan
from ops.plan.repository import Repository, repository
from ops.result import Change, Result

HELP: Final = "open, update or close the issue that says how an environment differs from its code"
LABEL: Final = "drift"


def arguments(parser: argparse.ArgumentParser) -> None:
    inputs.arguments(parser)


def run(context: Context, args: argparse.Namespace) -> Result:
    environment = context.names.environment
    plan = document.read(args.plan)
    title = f"Drift of {environment}"
    if plan is None:
        return Result(title, inputs.failure(inputs.log(args)), exit=Exit.FAILED)
    source = inputs.source(context, args.commit)
    with repository(context.environ, context.sleep) as github:
        changes = _keep(context, github, plan, environment, source)
    return Result(
        title,
        inputs.sections(plan),
        changes,
        planned=not context.yes,
        exit=Exit.OK if plan.is_empty else Exit.DRIFT,
    )


def _keep(
    context: Context, github: Repository, plan: Plan, environment: str, source: str
) -> list[Change]:
    """Make the issue say what is so."""
    place = comment.Marker("drift", environment)
    known = [
        one
        for one in github.issues(LABEL)
        if (found := comment.marker(one["body"] or "")) and found.same_place(place)
    ]
    issue = known[0] if known else None
    address = str(issue["html_url"]) if issue else None
    what = f"issue on the drift of {environment}"
    if plan.is_empty:
        if issue is None:
            return []
        if context.yes:
            github.comment(issue["number"], f"{environment} is as its code says. {source}")
            github.change(issue["number"], {"state": "closed", "state_reason": "completed"})
        return [Change(what, address, "closed")]
    body = comment.of_drift(plan, environment, source)
    if not context.yes:
        return [Change(what, address, "the new differences")]
    if issue is None:
        title = f"{environment} differs from its code"
        return [Change(what, None, github.open(title, body, LABEL))]
    return [Change(what, address, github.change(issue["number"], {"body": body}))]
