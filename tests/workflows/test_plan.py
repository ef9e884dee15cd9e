"""The plan of a pull request, run by act: Terraform itself, and the provider's stand-in."""

from ops.plan.comment import marker
from tests.ops.plan.fake_github import TOKEN, GitHub
from tests.workflows.support.act import Checkout
from tests.workflows.support.roots import HEAD, POC, changed, plan


def test_a_pull_request_gets_the_plan_of_what_it_touches(
    repository: Checkout, github: GitHub
) -> None:
    run = plan(repository, *changed(repository))

    assert run.code == 0, run.everything
    (comment,) = github.comments
    assert comment["issue"] == 7
    assert "## Terraform would change poc" in comment["body"]
    assert "- create `aws_sns_topic.this`" in comment["body"]
    assert "role/stargate-plan-poc" in run.output
    assert "aws\\_sns\\_topic.this" in run.summary
    assert TOKEN not in run.output


def test_its_next_plan_replaces_the_first(repository: Checkout, github: GitHub) -> None:
    base, head = changed(repository)
    plan(repository, base, head)
    first = marker(github.comments[0]["body"])

    run = plan(repository, base, repository.commit({POC: HEAD.replace("this", "other")}))

    assert run.code == 0, run.everything
    assert len(github.comments) == 1
    assert "aws_sns_topic" not in github.comments[0]["body"]
    assert "terraform_data.other" in github.comments[0]["body"]
    assert first != marker(github.comments[0]["body"])


def test_what_both_environments_share_is_planned_for_both(
    repository: Checkout, github: GitHub
) -> None:
    base = repository.git("rev-parse", "HEAD")
    head = repository.commit({"infra/terraform/modules/edge/more.tf": "# more\n"})

    run = plan(repository, base, head)

    assert run.code == 0, run.everything
    found = [marker(one["body"]) for one in github.comments]
    assert sorted(one.environment for one in found if one) == ["poc", "prod"]


def test_a_plan_that_fails_fails_the_job_and_is_told(repository: Checkout, github: GitHub) -> None:
    run = plan(repository, *changed(repository, HEAD + 'resource "aws_nonsense" "x" {}\n'))

    assert run.code == 1
    assert "## Terraform cannot plan poc" in github.comments[0]["body"]
    assert "aws_nonsense" in github.comments[0]["body"]


def test_a_pull_request_of_a_fork_is_not_planned(repository: Checkout, github: GitHub) -> None:
    run = plan(repository, *changed(repository), owner="mallory/stargate")

    assert run.code == 0, run.everything
    assert "plan" not in run.jobs()
    assert github.asked == []


def test_hostile_names_in_a_plan_run_nothing_and_are_no_markup(
    repository: Checkout, github: GitHub
) -> None:
    name = "x`$(touch $ARTIFACTS/PWNED)`\\n::error::forged @everyone"
    text = f'{HEAD}resource "terraform_data" "more" {{\n  for_each = toset(["{name}"])\n}}\n'
    run = plan(repository, *changed(repository, text))

    assert run.code == 0, run.everything
    assert "create ``" in github.comments[0]["body"]
    assert not (repository.artifacts / "PWNED").exists()
