"""What every workflow and action keeps to, beyond what linters know."""

import re
from pathlib import Path

import pytest

from tests.infra.support.terraform import Terraform, binary
from tests.workflows.support.files import (
    ACTIONS,
    GITHUB,
    ROOT,
    WORKFLOWS,
    Node,
    jobs,
    load,
    operations,
    steps,
)

PIN = re.compile(r"^\s*-?\s*uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
LOCAL = re.compile(r"^\s*-?\s*uses: \./\.github/(actions/[\w-]+|workflows/[\w-]+\.yml)$")
GRANT = re.compile(r"^ +[a-z-]+: (?:read|write) # \w.+$")
PREDECESSORS = {
    "ci",
    "ecs-exec",
    "ecs-logs",
    "ecs-restart",
    "ecs-scale",
    "ecs-status",
    "rds-status",
    "terraform-plan",
}
EVERY_FILE = [*WORKFLOWS, *ACTIONS]


def names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(GITHUB)) for path in paths]


each_file = pytest.mark.parametrize("path", EVERY_FILE, ids=names(EVERY_FILE))
each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=names(WORKFLOWS))


def test_the_names_are_those_that_people_know() -> None:
    assert {path.stem for path in WORKFLOWS} >= PREDECESSORS


@each_workflow
def test_a_workflow_is_named_as_its_file_and_begins_with_what_it_is(path: Path) -> None:
    assert load(path)["name"] == path.stem
    assert path.read_text().startswith("# ")


@each_workflow
def test_nothing_is_allowed_but_by_a_job_which_says_why(path: Path) -> None:
    workflow = load(path)

    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        assert "permissions" in job, name
    for line in path.read_text().splitlines():
        if re.match(r"^ +(?:[a-z]+-)*[a-z]+: (?:read|write)\b", line):
            assert GRANT.match(line), line


@each_file
def test_actions_of_others_are_pinned_and_say_their_version(path: Path) -> None:
    for line in path.read_text().splitlines():
        if re.match(r"\s*-?\s*uses:", line):
            assert PIN.match(line) or LOCAL.match(line), line


def test_an_action_has_one_pin_everywhere() -> None:
    pins = {step.uses for step in steps() if "@" in step.uses}

    assert len({one.partition("@")[0] for one in pins}) == len(pins)


def test_no_script_holds_an_expression() -> None:
    assert [step.place for step in steps() if "${{" in step.script] == []


def test_scripts_run_in_bash_so_that_a_failure_within_a_pipe_counts() -> None:
    for path in WORKFLOWS:
        assert load(path)["defaults"]["run"]["shell"] == "bash" or not any(
            "steps" in job for job in load(path)["jobs"].values()
        )
    for path in ACTIONS:
        for step in load(path)["runs"]["steps"]:
            assert "uses" in step or step["shell"] == "bash"


def test_scripts_are_short() -> None:
    for step in steps():
        assert len(step.script.splitlines()) <= 6, step.place


def test_every_job_ends_in_time() -> None:
    for place, job in jobs():
        assert "uses" in job or 0 < job["timeout-minutes"] <= 90, place


def test_every_step_has_a_name() -> None:
    assert [step.place for step in steps() if "name" not in step.node] == []


@each_workflow
def test_runs_of_a_workflow_know_of_each_other(path: Path) -> None:
    workflow = load(path)
    if set(workflow["on"]) == {"workflow_call"}:
        return
    assert "cancel-in-progress" in workflow["concurrency"]


def test_what_changes_something_is_never_cancelled() -> None:
    for name in ("terraform-apply", "ecs-restart", "ecs-scale", "image", "drift"):
        assert load(GITHUB / f"workflows/{name}.yml")["concurrency"]["cancel-in-progress"] is False
    for workflow, job in (("terraform-apply", "environment"), ("ci", "release")):
        node = load(GITHUB / f"workflows/{workflow}.yml")["jobs"][job]
        assert node["concurrency"]["cancel-in-progress"] is False


def test_a_checkout_keeps_no_credentials() -> None:
    checkouts = [step for step in steps() if step.uses.startswith("actions/checkout@")]

    assert len(checkouts) > 10
    for step in checkouts:
        assert step.node["with"]["persist-credentials"] is False, step.place


def test_there_is_no_stored_key_of_aws() -> None:
    for path in EVERY_FILE:
        text = path.read_text()
        assert not re.search(r"secrets\.\w*AWS|aws-access-key-id|aws-secret", text, re.IGNORECASE)


def test_no_workflow_runs_with_rights_on_what_a_stranger_wrote() -> None:
    for path in WORKFLOWS:
        assert not {"pull_request_target", "workflow_run", "issue_comment"} & set(load(path)["on"])


@pytest.mark.parametrize("name", operations())
def test_an_operation_runs_in_the_environment_that_its_role_trusts(name: str) -> None:
    """Approval and the subject in GitHub's token are then one thing."""
    for job in operations()[name]["jobs"].values():
        assert job["environment"] == "${{ inputs.environment }}-ops"
        (login,) = [one for one in job["steps"] if one.get("uses", "").endswith("/log-in")]
        assert login["with"]["role"] == "ops-${{ inputs.environment }}"


def test_the_roles_are_those_that_bootstrap_makes_for_these_subjects() -> None:
    roles = (ROOT / "infra/terraform/bootstrap/roles.tf").read_text()
    wanted = {
        "plan-": '["pull_request", "ref:refs/heads/main"]',
        "apply-": '["environment:${environment}"]',
        "ops-": '["environment:${environment}-ops"]',
        "image": '["ref:refs/heads/main"]',
    }

    for role, subjects in wanted.items():
        begin = roles.index(f'"{role}${{environment}}"' if role.endswith("-") else f"{role} = {{")
        assert subjects in roles[begin : begin + 600], role
    for place, job in jobs():
        for step in job.get("steps", ()):
            if step.get("uses", "").endswith("/log-in"):
                role = step["with"]["role"]
                kind = next(one for one in wanted if role.startswith(one))
                assert environment_of(job) == {"apply-": "apply", "ops-": "ops"}.get(kind), place


def environment_of(job: Node) -> str | None:
    """Which kind of role may be taken in the job's environment."""
    environment = job.get("environment")
    if environment is None:
        return None
    return "ops" if environment.endswith("-ops") else "apply"


def test_terraform_is_the_version_that_the_tests_run(tmp_path: Path) -> None:
    (step,) = [one for one in steps() if one.uses.startswith("hashicorp/setup-terraform@")]
    path = binary(tmp_path)
    if path is None:
        pytest.skip("terraform is not installed, and this platform has no package of it")

    running = Terraform(path).document(tmp_path, "version", "-json")["terraform_version"]

    assert step.node["with"]["terraform_version"] == running


def test_paths_that_start_terraform_are_those_that_touch_an_environment() -> None:
    plan = load(GITHUB / "workflows/terraform-plan.yml")["on"]["pull_request"]["paths"]
    apply = load(GITHUB / "workflows/terraform-apply.yml")["on"]["push"]["paths"]

    assert [path for path in plan if not path.startswith(".github/")] == apply
    assert apply == ["app/catalog/models.json", "infra/observability/**", "infra/terraform/**"]


def test_one_job_of_ci_stands_for_all() -> None:
    ci = load(GITHUB / "workflows/ci.yml")["jobs"]

    assert set(ci["required"]["needs"]) == set(ci) - {"required"}
    assert ci["required"]["if"] == "always()"


def test_updates_wait_until_others_have_tried_them() -> None:
    updates = load(GITHUB / "dependabot.yml")["updates"]

    assert {one["package-ecosystem"] for one in updates} >= {
        "docker",
        "github-actions",
        "npm",
        "pip",
        "terraform",
    }
    for update in updates:
        assert update["cooldown"]["default-days"] >= 7
        for folder in update.get("directories", [update.get("directory")]):
            assert folder == "/" or list(ROOT.glob(folder[1:])), folder
