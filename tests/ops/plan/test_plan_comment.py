"""`plan-comment`, from the command line to GitHub."""

import pytest

from ops.exits import Exit
from tests.ops.plan.conftest import Command
from tests.ops.plan.fake_github import PERSON, GitHub
from tests.ops.plan.plans import CHANGES, COMMIT, deleted, document


def test_the_first_plan_of_a_pull_request_is_a_comment(command: Command, github: GitHub) -> None:
    code, told = command("plan-comment", CHANGES, "--pull-request=7", "--yes")

    (written,) = github.comments
    assert code == Exit.OK
    assert written["issue"] == 7
    assert "`aws_sqs_queue.this`: `name`" in written["body"]
    assert (
        f"Commit {COMMIT}, [this run](https://github.example/example/stargate/actions/runs/42)."
        in (written["body"])
    )
    assert told["changes"][0]["after"] == written["html_url"]


def test_the_next_plan_replaces_it_and_leaves_other_comments_alone(
    command: Command, github: GitHub
) -> None:
    github.add_comment(7, "a bot's other words")
    forged = github.add_comment(7, "<!-- stargate-plan poc -->\nforged", PERSON)
    prod = github.add_comment(7, "<!-- stargate-plan prod -->\nof prod")
    poc = github.add_comment(7, "<!-- stargate-plan poc -->\nof poc, earlier")

    assert command("plan-comment", CHANGES, "--pull-request=7", "--yes")[0] == Exit.OK

    assert len(github.comments) == 4
    assert "aws_sqs_queue.this" in poc["body"]
    assert forged["body"].endswith("forged")
    assert prod["body"].endswith("of prod")


def test_an_earlier_comment_is_found_on_a_later_page(command: Command, github: GitHub) -> None:
    for number in range(150):
        github.add_comment(7, f"talk {number}")
    github.add_comment(7, "<!-- stargate-plan poc -->\nearlier")

    assert command("plan-comment", CHANGES, "--pull-request=7", "--yes")[0] == Exit.OK
    assert len(github.comments) == 151


def test_a_plan_that_failed_fails_and_its_comment_says_why(
    command: Command, github: GitHub
) -> None:
    code, _ = command(
        "plan-comment", None, "--pull-request=7", "--yes", log="Error: no such attribute\n"
    )

    assert code == Exit.FAILED
    assert "Error: no such attribute" in github.comments[0]["body"]


def test_without_yes_nothing_is_written(command: Command, github: GitHub) -> None:
    code, told = command("plan-comment", CHANGES, "--pull-request=7")

    assert code == Exit.OK
    assert told["planned"]
    assert all(one.startswith("GET") for one in github.asked)


def test_without_a_pull_request_a_plan_is_shown_and_github_is_not_asked(
    command: Command, github: GitHub
) -> None:
    code, told = command("plan-comment", document(deleted("aws_db_instance.this")))

    first = next(one for one in told["sections"] if one["kind"] == "table")
    assert code == Exit.OK
    assert github.asked == []
    assert first["rows"] == [
        {"action": "destroy", "resource": "aws_db_instance.this", "why": "a database would be lost"}
    ]


@pytest.mark.parametrize(
    "wrong",
    ["--pull-request=0", "--pull-request=7;id", "--pull-request=-1", "--commit=main", "--commit="],
)
def test_what_is_no_number_and_no_commit_is_refused(
    command: Command, github: GitHub, wrong: str
) -> None:
    code, _ = command("plan-comment", CHANGES, "--yes", wrong)

    assert code == Exit.USAGE
    assert github.asked == []
