"""Apply and drift, run by act: Terraform itself, the provider's stand-in, S3 by moto."""

from tests.ops.plan.fake_github import GitHub
from tests.workflows.support.act import Checkout, Run
from tests.workflows.support.platform import Platform
from tests.workflows.support.roots import changed, merge, plan, resources, state

SPOILING = """#!/bin/sh
# As artifacts are kept, somebody adds to the plan.
/bin/cp "$@"
case "$2" in *plan-poc*) echo more >> "$2/plan.tfplan" ;; esac
"""


def test_the_plan_that_was_reviewed_is_applied_and_then_there_is_nothing_to_apply(
    repository: Checkout, aws: Platform, github: GitHub
) -> None:
    base, head = changed(repository)
    plan(repository, base, head)

    run = merge(repository, github, base)

    assert run.code == 0, run.everything
    assert resources(aws) == ["aws_sns_topic", "terraform_data"]
    assert "role/stargate-plan-poc" in run.output
    assert "role/stargate-apply-poc" in run.output
    assert "reviewed in" in run.summary
    assert state(aws, "prod") == {}

    again = merge(repository, github, base)

    assert again.code == 0, again.everything
    assert "apply" not in again.jobs()
    assert "role/stargate-apply-poc" not in again.output
    assert "No changes" in again.summary


def test_another_plan_than_the_reviewed_one_is_refused(
    repository: Checkout, aws: Platform, github: GitHub
) -> None:
    base, head = changed(repository)
    plan(repository, base, head)
    repository.variables["TFVARS_POC"] = 'note = "two"'

    run = merge(repository, github, base)

    assert run.code == 1
    assert state(aws) == {}
    assert "terraform-apply by hand" in run.everything
    assert "role/stargate-apply-poc" not in run.output


def test_a_merge_whose_plan_nobody_saw_is_refused(
    repository: Checkout, aws: Platform, github: GitHub
) -> None:
    base, _ = changed(repository)

    run = merge(repository, github, base)

    assert run.code == 1
    assert state(aws) == {}


def test_by_hand_the_plan_of_the_run_is_applied(
    repository: Checkout, aws: Platform, github: GitHub
) -> None:
    changed(repository)

    run = repository.run("terraform-apply", payload={"inputs": {"environment": "poc"}})

    assert run.code == 0, run.everything
    assert resources(aws) == ["aws_sns_topic", "terraform_data"]
    assert github.asked == []


def test_a_plan_that_has_become_stale_is_not_applied_and_the_way_on_is_told(
    repository: Checkout, aws: Platform, github: GitHub
) -> None:
    changed(repository)
    repository.artifacts.mkdir()
    (repository.artifacts / "meanwhile").touch()

    run = repository.run("terraform-apply", payload={"inputs": {"environment": "poc"}})

    assert run.code == 1
    assert "Saved plan is stale" in run.output
    assert "run terraform-apply by hand" in run.everything
    assert (
        state(aws)["resources"][-1]["instances"][0]["attributes"]["input"]["value"] == "meanwhile"
    )


def test_a_plan_that_was_exchanged_is_not_applied(
    repository: Checkout, aws: Platform, github: GitHub
) -> None:
    changed(repository)
    copy = repository.path / "cp"
    copy.write_text(SPOILING)
    copy.chmod(0o755)

    run = repository.run("terraform-apply", payload={"inputs": {"environment": "poc"}})

    assert run.code == 1
    assert run.results()["See that it is the same"] == "failure"
    assert state(aws) == {}


def drift(repository: Checkout) -> Run:
    return repository.run("drift", "schedule")


def test_drift_is_one_issue_for_each_environment_until_it_is_gone(
    repository: Checkout, aws: Platform, github: GitHub
) -> None:
    first = drift(repository)

    assert first.code == 1
    assert sorted(one["body"].split()[2] for one in github.issues) == ["poc", "prod"]
    repository.run("terraform-apply", payload={"inputs": {"environment": "poc"}})

    second = drift(repository)

    assert second.code == 1, "prod still differs"
    assert [one["state"] for one in github.issues if "drift poc" in one["body"]] == ["closed"]
    assert [one["state"] for one in github.issues if "drift prod" in one["body"]] == ["open"]
    assert len(github.issues) == 2
