"""`plan-check`, from the command line to GitHub."""

from typing import Any

from ops.exits import Exit
from ops.plan import comment
from ops.plan.document import parse
from tests.ops.plan.conftest import Command
from tests.ops.plan.fake_github import PERSON, GitHub
from tests.ops.plan.plans import CHANGES, COMMIT, NOTHING, Node, created, document


def reviewed(github: GitHub, plan: Node, **more: Any) -> None:
    """A merged pull request whose comment shows that plan."""
    github.merged[COMMIT] = 7
    github.add_comment(7, comment.of_plan(parse(plan), "poc", "x"), **more)


def test_the_plan_that_was_reviewed_may_be_applied(command: Command, github: GitHub) -> None:
    reviewed(github, CHANGES)

    code, told = command("plan-check", CHANGES)

    assert code == Exit.OK
    assert told["sections"][0]["text"] == "It is the plan that was reviewed in #7."


def test_another_plan_is_refused_and_the_way_on_is_told(command: Command, github: GitHub) -> None:
    reviewed(github, document(created("aws_sqs_queue.this")))

    code, told = command("plan-check", CHANGES)

    assert code == Exit.REFUSED
    assert "not the one that #7 showed" in told["error"]["message"]
    assert "terraform-apply by hand" in told["error"]["hint"]


def test_a_comment_that_somebody_else_wrote_is_no_review(command: Command, github: GitHub) -> None:
    reviewed(github, CHANGES, user=PERSON)

    code, told = command("plan-check", CHANGES)

    assert code == Exit.REFUSED
    assert "no plan of poc" in told["error"]["message"]


def test_a_review_of_another_environment_is_none(command: Command, github: GitHub) -> None:
    github.merged[COMMIT] = 7
    github.add_comment(7, comment.of_plan(parse(CHANGES), "prod", "x"))

    assert command("plan-check", CHANGES)[0] == Exit.REFUSED


def test_a_review_of_a_plan_that_failed_is_none(command: Command, github: GitHub) -> None:
    github.merged[COMMIT] = 7
    github.add_comment(7, comment.of_failure("Error", "poc", "x"))

    assert command("plan-check", CHANGES)[0] == Exit.REFUSED


def test_a_commit_without_a_merged_pull_request_was_not_reviewed(
    command: Command, github: GitHub
) -> None:
    code, told = command("plan-check", CHANGES)

    assert code == Exit.REFUSED
    assert COMMIT in told["error"]["message"]


def test_no_changes_need_no_review(command: Command, github: GitHub) -> None:
    assert command("plan-check", NOTHING)[0] == Exit.OK
    assert github.asked == []


def test_a_plan_that_failed_is_not_the_one_that_was_reviewed(command: Command) -> None:
    assert command("plan-check", None, log="Error")[0] == Exit.FAILED
