"""`drift`, from the command line to GitHub."""

import pytest

from ops.exits import Exit
from tests.ops.plan.conftest import Command
from tests.ops.plan.fake_github import PERSON, GitHub
from tests.ops.plan.plans import CHANGES, COMMIT, NOTHING, Node, deleted, document


def test_drift_opens_one_issue_and_then_keeps_it_current(command: Command, github: GitHub) -> None:
    assert command("drift", CHANGES, "--yes")[0] == Exit.DRIFT
    assert command("drift", document(deleted("aws_db_instance.this")), "--yes")[0] == Exit.DRIFT

    (issue,) = github.issues
    assert issue["labels"] == ["drift"]
    assert "aws_db_instance.this" in issue["body"]
    assert "aws_sqs_queue" not in issue["body"]


def test_an_environment_without_drift_closes_its_issue(command: Command, github: GitHub) -> None:
    command("drift", CHANGES, "--yes")
    other = github.add_issue("<!-- stargate-drift prod -->\nof prod", ["drift"])

    code, _ = command("drift", NOTHING, "--yes")

    assert code == Exit.OK
    assert github.issues[0]["state"] == "closed"
    assert COMMIT in github.comments[0]["body"]
    assert other["state"] == "open"


def test_drift_after_a_closed_issue_opens_a_new_one(command: Command, github: GitHub) -> None:
    for plan in (CHANGES, NOTHING, CHANGES):
        command("drift", plan, "--yes")

    assert [one["state"] for one in github.issues] == ["closed", "open"]


def test_no_drift_and_no_issue_changes_nothing(command: Command, github: GitHub) -> None:
    code, told = command("drift", NOTHING, "--yes")

    assert (code, told["changes"]) == (Exit.OK, [])
    assert github.asked == ["GET /issues"]


@pytest.mark.parametrize("plan", [CHANGES, NOTHING])
def test_drift_without_yes_only_says_what_it_would_do(
    command: Command, github: GitHub, plan: Node
) -> None:
    github.add_issue("<!-- stargate-drift poc -->\nearlier", ["drift"])

    _, told = command("drift", plan)

    assert told["planned"]
    assert len(told["changes"]) == 1
    assert github.asked == ["GET /issues"]


def test_a_check_for_drift_that_fails_is_no_drift_and_closes_nothing(
    command: Command, github: GitHub
) -> None:
    github.add_issue("<!-- stargate-drift poc -->\nearlier", ["drift"])

    assert command("drift", None, "--yes", log="Error: expired")[0] == Exit.FAILED
    assert github.asked == []


def test_an_issue_that_somebody_else_wrote_is_left_alone(command: Command, github: GitHub) -> None:
    forged = github.add_issue("<!-- stargate-drift poc -->\nforged", ["drift"], PERSON)

    command("drift", CHANGES, "--yes")

    assert forged["body"].endswith("forged")
    assert len(github.issues) == 2
