"""An environment's life in the stand-in: made, unchanged, changed, upgraded, destroyed."""

import fnmatch
import json
import re
import shutil
from pathlib import Path

import pytest

from tests.infra.standin.inventing import ACCOUNT
from tests.infra.support.deployment import EXAMPLE_VALUES, LOCAL_STATE, Deployment, many
from tests.infra.support.terraform import Terraform, copy_infra

DOMAIN = {
    "certificate_arn": f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/viewer",
    "name": "llm.example.com",
    "origin_certificate_arn": f"arn:aws:acm:us-west-1:{ACCOUNT}:certificate/origin",
}


@pytest.fixture
def own_poc(poc: Deployment, infra: Path, tmp_path: Path) -> Deployment:
    """A copy of poc as it is after its apply, for one test to change."""
    shutil.copytree(infra.parents[1], tmp_path / "copy")
    folder = tmp_path / "copy" / poc.folder.relative_to(infra.parents[1])
    return Deployment("poc", folder, poc.plan, poc.state)


def actions(terraform: Terraform, deployment: Deployment, *options: str) -> dict[str, list[str]]:
    """What a new plan would do, by address; nothing for what stays."""
    terraform.must(deployment.folder, "plan", EXAMPLE_VALUES, "-out=next.tfplan", *options)
    plan = terraform.document(deployment.folder, "show", "-json", "next.tfplan")
    return {
        one["address"]: one["change"]["actions"]
        for one in plan["resource_changes"]
        if one["change"]["actions"] not in (["no-op"], ["read"])
    }


def test_a_second_plan_changes_nothing(terraform: Terraform, environment: Deployment) -> None:
    run = terraform(environment.folder, "plan", EXAMPLE_VALUES, "-detailed-exitcode")

    assert run.code == 0, run.output[-3000:]
    assert "No changes." in run.output


def test_a_new_image_replaces_its_task_definition_and_nothing_else(
    terraform: Terraform, poc: Deployment
) -> None:
    images = dict(poc.plan["variables"]["images"]["value"])
    images["grafana"] = images["grafana"].replace("0.1.0", "0.2.0")
    changed = actions(terraform, poc, f"-var=images={json.dumps(images)}")

    assert changed == {
        'module.platform.module.service["grafana"].aws_ecs_task_definition.this': [
            "delete",
            "create",
        ],
        'module.platform.module.service["grafana"].aws_ecs_service.this[0]': ["update"],
    }


def test_a_changed_alert_rule_reaches_vmalert_as_a_new_task_definition(
    terraform: Terraform, own_poc: Deployment
) -> None:
    rules = own_poc.folder.parents[2] / "observability" / "vmalert" / "another.yml"
    rules.write_text("groups: []\n")

    changed = actions(terraform, own_poc)

    assert set(changed) == {
        'module.platform.module.service["vmalert"].aws_ecs_task_definition.this',
        'module.platform.module.service["vmalert"].aws_ecs_service.this[0]',
    }


def test_a_number_of_tasks_set_by_ops_stays(terraform: Terraform, poc: Deployment) -> None:
    service = poc.service("aws_ecs_service", "gateway")[0]
    block = next(
        one["change"]["after"]
        for one in poc.plan["resource_changes"]
        if one["address"] == service.address
    )

    assert block["desired_count"] == 1
    text = (poc.folder.parents[1] / "modules" / "ecs-service" / "service.tf").read_text()
    assert "ignore_changes = [desired_count]" in text


def test_a_major_upgrade_of_the_database_keeps_it(
    terraform: Terraform, own_poc: Deployment
) -> None:
    main = own_poc.folder / "main.tf"
    upgraded = 'database = {\n    allow_major_version_upgrade = true\n    engine_version = "18"\n'
    main.write_text(main.read_text().replace("database = {\n", upgraded))

    changed = actions(terraform, own_poc)

    assert changed["module.platform.module.database.aws_db_instance.this"] == ["update"]
    assert set(changed) == {
        "module.platform.module.database.aws_db_instance.this",
        "module.platform.module.database.aws_db_parameter_group.this",
    }


def test_a_snapshot_is_restored_into_a_new_instance_only(
    terraform: Terraform, own_poc: Deployment
) -> None:
    address = "module.platform.module.database.aws_db_instance.this"
    main = own_poc.folder / "main.tf"
    named = 'database = {\n    restore_from_snapshot = "before-the-mistake"\n'
    main.write_text(main.read_text().replace("database = {\n", named))
    assert actions(terraform, own_poc) == {}

    # Lost, or let go on purpose, the instance comes back from the snapshot.
    terraform.must(own_poc.folder, "state", "rm", address)
    assert actions(terraform, own_poc)[address] == ["create"]
    planned = terraform.must(own_poc.folder, "show", "next.tfplan")
    assert re.search(r'snapshot_identifier\s+= "before-the-mistake"', planned)


@pytest.mark.parametrize("change", ["a certificate for the load balancer", "a TLS version"])
def test_a_vpc_origin_is_replaced_before_the_old_one_is_deleted_and_never_updated(
    terraform: Terraform, own_poc: Deployment, change: str
) -> None:
    # CloudFront answers 409 CannotUpdateEntityWhileInUse to a change of one that is in use.
    address = "module.platform.module.edge.aws_cloudfront_vpc_origin.this"
    before = own_poc.only("aws_cloudfront_vpc_origin")["vpc_origin_endpoint_config"][0]["name"]
    if change == "a TLS version":
        file = own_poc.folder.parents[1] / "modules" / "edge" / "cloudfront.tf"
        file.write_text(file.read_text().replace('["TLSv1.2"]', '["TLSv1.1"]'))
        changed = actions(terraform, own_poc)
    else:
        changed = actions(terraform, own_poc, f"-var=domain={json.dumps(DOMAIN)}")

    assert changed[address] == ["create", "delete"]
    assert changed["module.platform.module.edge.aws_cloudfront_distribution.this"] == ["update"]
    replaced = {one for one, what in changed.items() if what == ["delete", "create"]}
    assert not [one for one in replaced if ".module.edge." in one], replaced
    plan = terraform.document(own_poc.folder, "show", "-json", "next.tfplan")
    after = next(
        one["change"]["after"] for one in plan["resource_changes"] if one["address"] == address
    )
    assert after["vpc_origin_endpoint_config"][0]["name"] not in (None, before)


def test_a_langfuse_of_its_own_is_added_without_touching_the_rest(
    terraform: Terraform, poc: Deployment
) -> None:
    images = dict(poc.plan["variables"]["images"]["value"])
    images |= dict.fromkeys(
        ("clickhouse", "langfuse-web", "langfuse-worker", "valkey"), "x/y:1.2.3"
    )
    langfuse = {"mode": "self_hosted", "admin_email": "platform@example.com"}

    changed = actions(
        terraform,
        poc,
        f"-var=images={json.dumps(images)}",
        f"-var=langfuse={json.dumps(langfuse)}",
    )

    lost = {address for address, what in changed.items() if what == ["delete"]}
    assert lost == set()
    replaced = {address for address, what in changed.items() if what == ["delete", "create"]}
    assert replaced == {
        f'module.platform.module.service["{name}"].aws_ecs_task_definition.this'
        for name in ("database-setup", "gateway")
    }


@pytest.mark.parametrize("part", ["registry", "secrets"])
def test_the_first_steps_of_a_deployment_can_be_made_alone(
    terraform: Terraform, own_infra: Path, part: str
) -> None:
    folder = own_infra / "environments" / "poc"
    (folder / "backend_override.tf").write_text(LOCAL_STATE)
    terraform.must(folder, "init")

    output = terraform.must(
        folder, "apply", "-auto-approve", EXAMPLE_VALUES, f"-target=module.platform.module.{part}"
    )

    assert re.search(r"Apply complete! Resources: \d added", output)


def test_it_can_be_destroyed(terraform: Terraform, own_poc: Deployment) -> None:
    output = terraform.must(own_poc.folder, "destroy", "-auto-approve", EXAMPLE_VALUES)

    assert f"Destroy complete! Resources: {len(own_poc.resources)} destroyed." in output
    assert terraform.must(own_poc.folder, "state", "list") == ""


def test_prod_is_protected_from_being_destroyed(prod: Deployment) -> None:
    assert prod.only("aws_db_instance")["deletion_protection"] is True
    assert prod.only("aws_lb")["enable_deletion_protection"] is True
    assert all(one["force_destroy"] is False for one in prod.all("aws_s3_bucket"))
    assert all(
        one["recovery_window_in_days"] == 30 for one in prod.all("aws_secretsmanager_secret")
    )


def test_another_account_is_not_touched(infra: Path) -> None:
    for name in ("poc", "prod"):
        text = (infra / "environments" / name / "providers.tf").read_text()
        assert "allowed_account_ids = [var.account_id]" in text


@pytest.fixture(scope="module")
def bootstrap(terraform: Terraform, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    folder = copy_infra(tmp_path_factory.mktemp("bootstrap")) / "bootstrap"
    terraform.must(folder, "init")
    terraform.must(folder, "apply", "-auto-approve", EXAMPLE_VALUES)
    return Deployment("bootstrap", folder, {}, terraform.document(folder, "show", "-json"))


@pytest.mark.parametrize("environment_name", ["poc", "prod"])
@pytest.mark.parametrize(
    ("role", "subjects"),
    [
        ("plan-{}", ["pull_request", "ref:refs/heads/main"]),
        ("apply-{}", ["environment:{}"]),
        ("ops-{}", ["environment:{}-ops"]),
        ("image", ["ref:refs/heads/main"]),
    ],
)
def test_a_role_is_for_the_workflows_of_its_kind(
    bootstrap: Deployment, environment_name: str, role: str, subjects: list[str]
) -> None:
    name = role.format(environment_name)
    (trust,) = bootstrap.only("aws_iam_role", f'["{name}"]').policy("assume_role_policy")
    condition = trust["Condition"]["StringEquals"]

    assert condition["token.actions.githubusercontent.com:aud"] == "sts.amazonaws.com"
    found = condition["token.actions.githubusercontent.com:sub"]
    expected = [f"repo:example/stargate-llm-gateway:{one}" for one in subjects]
    assert ([found] if isinstance(found, str) else found) == [
        one.format(environment_name) for one in expected
    ]


def test_a_pull_request_reads_neither_secrets_nor_logs_nor_objects(bootstrap: Deployment) -> None:
    policy = bootstrap.only("aws_iam_role_policy", '["plan-poc"]').policy()
    denied = {action for one in policy if one["Effect"] == "Deny" for action in many(one["Action"])}

    assert {"secretsmanager:GetSecretValue", "logs:FilterLogEvents", "s3:GetObject*"} <= denied


def test_applying_makes_roles_within_the_boundary_only(bootstrap: Deployment) -> None:
    boundary = bootstrap.only("aws_iam_policy", ".boundary")["arn"]
    for one in bootstrap.only("aws_iam_role_policy", '["apply-poc"]').policy():
        if one["Effect"] == "Allow" and "iam:CreateRole" in many(one["Action"]):
            assert one["Condition"] == {"StringEquals": {"iam:PermissionsBoundary": boundary}}
            assert one["Resource"] == f"arn:aws:iam::{ACCOUNT}:role/stargate-poc-*"


def test_what_services_may_do_is_within_the_boundary(
    bootstrap: Deployment, environment: Deployment
) -> None:
    boundary = bootstrap.only("aws_iam_policy", ".boundary").policy()
    most = [a for one in boundary if one["Effect"] == "Allow" for a in many(one["Action"])]
    for policy in environment.all("aws_iam_policy", "aws_iam_role_policy"):
        for statement in policy.policy():
            for action in many(statement["Action"]):
                assert any(fnmatch.fnmatchcase(action, one) for one in most), (policy, action)


def test_the_state_bucket_cannot_be_destroyed(terraform: Terraform, bootstrap: Deployment) -> None:
    run = terraform(bootstrap.folder, "destroy", "-auto-approve", EXAMPLE_VALUES)

    assert run.code == 1
    assert "prevent_destroy" in run.text
