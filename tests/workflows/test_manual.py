"""The workflows that people start, run by act against moto: good, wrong and hostile inputs."""

from pathlib import Path
from typing import Final

import pytest

from tests.workflows.support.act import Checkout
from tests.workflows.support.files import operations
from tests.workflows.support.platform import Platform

GOOD: Final = {
    "ecs-exec": {"service": "gateway", "diagnostic": "processes"},
    "ecs-logs": {"service": "gateway", "duration": "1h", "filter": ""},
    "ecs-restart": {"service": "gateway"},
    "ecs-scale": {"service": "gateway", "count": "2"},
    "ecs-status": {},
    "rds-status": {},
}
HOSTILE: Final = (
    '--help $(touch "$ARTIFACTS/PWNED") `touch "$ARTIFACTS/PWNED"` ${{ github.token }}'
    '\n\'; touch "$ARTIFACTS/PWNED"; \'"; touch "$ARTIFACTS/PWNED"; echo "'
)
"""It gets out of no quotes, of single ones, and of double ones."""
VULNERABLE: Final = """
on:
  workflow_dispatch:
    inputs:
      filter:
        type: string
jobs:
  it:
    runs-on: ubuntu-24.04
    steps:
      - run: echo QUOTE${{ inputs.filter }}QUOTE
"""


def run(checkout: Checkout, workflow: str, **inputs: str) -> "tuple[int, str]":
    given = {"environment": "poc", **GOOD.get(workflow, {}), **inputs}
    done = checkout.run(workflow, payload={"inputs": given})
    return done.code, f"{done.everything}\n{done.summary}"


def pwned(checkout: Checkout) -> bool:
    return (checkout.artifacts / "PWNED").exists()


def test_the_inputs_tried_here_are_those_of_the_workflows() -> None:
    asked = {
        name: {*workflow["on"]["workflow_dispatch"]["inputs"]} - {"environment"}
        for name, workflow in operations().items()
    }

    assert {name: set(inputs) for name, inputs in GOOD.items()} == asked


def test_restart_makes_new_tasks_of_the_same_revision(checkout: Checkout, aws: Platform) -> None:
    before = aws.gateway

    done = checkout.run(
        "ecs-restart", payload={"inputs": {"environment": "poc", **GOOD["ecs-restart"]}}
    )

    assert done.code == 0, done.everything
    assert "role/stargate-ops-poc" in done.output
    assert "Restart in stargate" in done.summary
    assert aws.gateway["taskDefinition"] == before["taskDefinition"]
    assert aws.gateway["deployments"][0]["id"] != before["deployments"][0]["id"]


def test_restart_of_all_restarts_what_there_is(checkout: Checkout, aws: Platform) -> None:
    before = aws.gateway["deployments"][0]["id"]

    code, said = run(checkout, "ecs-restart", service="all")

    assert code == 0, said
    assert aws.gateway["deployments"][0]["id"] != before


def test_scale_runs_as_many_tasks_as_wanted(checkout: Checkout, aws: Platform) -> None:
    code, said = run(checkout, "ecs-scale")

    assert code == 0, said
    assert aws.gateway["desiredCount"] == 2


def test_logs_are_an_artifact(checkout: Checkout, aws: Platform) -> None:
    code, said = run(checkout, "ecs-logs")

    assert code == 0, said
    text = (checkout.artifacts / "logs-poc-gateway-1" / "logs.txt").read_text()
    assert "ERROR no budget" in text
    assert "started" in text


def test_logs_are_filtered(checkout: Checkout, aws: Platform) -> None:
    code, said = run(checkout, "ecs-logs", filter="ERROR")

    assert code == 0, said
    text = (checkout.artifacts / "logs-poc-gateway-1" / "logs.txt").read_text()
    assert "ERROR no budget" in text
    assert "started" not in text


def test_status_is_in_the_summary(checkout: Checkout, aws: Platform) -> None:
    done = checkout.run("ecs-status", payload={"inputs": {"environment": "poc"}})

    assert done.code == 0, done.everything
    assert "gateway" in done.summary


def test_the_databases_status_is_in_the_summary(checkout: Checkout, aws: Platform) -> None:
    done = checkout.run("rds-status", payload={"inputs": {"environment": "poc"}})

    assert "db.t4g.micro" in done.summary, done.everything


@pytest.mark.parametrize(
    ("workflow", "wrong"),
    [
        ("ecs-restart", {"service": "gatewya"}),
        ("ecs-restart", {"environment": "staging"}),
        ("ecs-scale", {"count": "99"}),
        ("ecs-scale", {"count": "-1"}),
        ("ecs-scale", {"count": "many"}),
        ("ecs-logs", {"duration": "yesterday"}),
        ("ecs-exec", {"diagnostic": "env"}),
        ("ecs-status", {"environment": ""}),
    ],
)
def test_a_wrong_input_fails_and_changes_nothing(
    checkout: Checkout, aws: Platform, workflow: str, wrong: dict[str, str]
) -> None:
    before = aws.gateway

    code, said = run(checkout, workflow, **wrong)

    assert code == 1, said
    assert aws.gateway["desiredCount"] == before["desiredCount"]
    assert aws.gateway["deployments"][0]["id"] == before["deployments"][0]["id"]


@pytest.mark.parametrize("workflow", GOOD)
def test_hostile_choices_are_words(checkout: Checkout, aws: Platform, workflow: str) -> None:
    """GitHub refuses them before a run begins; act does not, and nothing happens either."""
    before = aws.gateway

    code, said = run(checkout, workflow, **dict.fromkeys(GOOD[workflow], HOSTILE))

    assert code == 1 or not GOOD[workflow], said
    assert not pwned(checkout)
    assert aws.gateway["desiredCount"] == before["desiredCount"]


def test_a_hostile_environment_is_a_word(checkout: Checkout, aws: Platform) -> None:
    assert run(checkout, "ecs-status", environment=HOSTILE)[0] == 1
    assert not pwned(checkout)


def test_a_hostile_filter_is_a_filter(checkout: Checkout, aws: Platform) -> None:
    code, said = run(checkout, "ecs-logs", filter=HOSTILE)

    assert code == 0, said
    assert not pwned(checkout)
    assert (checkout.artifacts / "logs-poc-gateway-1" / "logs.txt").is_file()


@pytest.mark.parametrize("quote", ["", "'", '"'])
def test_a_hostile_input_is_executed_where_a_workflow_is_wrong(
    checkout: Checkout, quote: str
) -> None:
    """The control: what the tests above look for can happen."""
    text = VULNERABLE.replace("QUOTE", quote)
    (checkout.folder / ".github/workflows/vulnerable.yml").write_text(text)

    run(checkout, "vulnerable", filter=HOSTILE)

    assert pwned(checkout)


def test_a_log_line_is_no_command_to_the_runner(checkout: Checkout, aws: Platform) -> None:
    """The log is a file; not a word of it is in the run's own log."""
    _, said = run(checkout, "ecs-logs")

    assert "forged" not in said


def test_without_an_environment_in_aws_the_run_says_so(checkout: Checkout, aws: Platform) -> None:
    code, said = run(checkout, "ecs-status", environment="prod")

    assert code == 1
    assert "Cluster not found" in said


def test_a_checkout_is_only_a_copy(checkout: Checkout, aws: Platform, tmp_path: Path) -> None:
    """A workflow under act leaves nothing behind in the repository that it was started from."""
    run(checkout, "ecs-logs")

    assert checkout.git("status", "--porcelain") == ""
    assert checkout.folder.is_relative_to(tmp_path)
