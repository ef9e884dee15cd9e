"""Roles may do what they are for: the gateway calls its catalogue's models, and nothing else."""

import fnmatch
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.catalog.catalog import load_catalog, shipped_models
from tests.infra.standin.inventing import ACCOUNT
from tests.infra.support.deployment import Deployment, Statement, many, planned
from tests.infra.support.terraform import Terraform

REGIONS = json.loads(
    (
        Path(__file__).parents[2] / "infra/terraform/modules/platform/profile-regions.json"
    ).read_text()
)
INVOKE = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]


def statements(environment: Deployment, service: str) -> Iterator[Statement]:
    for one in environment.service("aws_iam_policy", service):
        yield from one.policy()


def allowed(environment: Deployment, action: str) -> set[str]:
    """The resources on which the gateway's own policies allow an action."""
    return {
        arn
        for one in statements(environment, "gateway")
        if action in many(one["Action"])
        for arn in many(one["Resource"])
    }


def expected(region: str) -> tuple[set[str], set[str]]:
    """Profiles and models that the gateway's own catalogue reaches from a region."""
    catalog = load_catalog(region=region, profile=None)
    profiles, models = set(), set()
    for model in catalog.models():
        for profile in catalog.profiles(model):
            profiles.add(
                f"arn:aws:bedrock:{region}:{ACCOUNT}:inference-profile/{profile.bedrock_id}"
            )
            for place in ["", region] if profile.name == "global" else REGIONS[profile.name]:
                models.add(f"arn:aws:bedrock:{place}::foundation-model/{model.bedrock_id}")
        if any(one.name == "bare" for one in model.profiles):
            models.add(f"arn:aws:bedrock:{region}::foundation-model/{model.bedrock_id}")
    return profiles, models


def region_of(environment: Deployment) -> str:
    return str(environment.only("aws_vpc")["region"])


def test_it_may_call_exactly_what_its_catalogue_reaches(environment: Deployment) -> None:
    profiles, models = expected(region_of(environment))

    for action in INVOKE:
        assert allowed(environment, action) == profiles | models


def test_models_of_a_profile_are_called_through_a_profile_only(environment: Deployment) -> None:
    region = region_of(environment)
    bare = {
        f"arn:aws:bedrock:{region}::foundation-model/{model.bedrock_id}"
        for model in shipped_models()
        if any(profile.name == "bare" for profile in model.profiles)
    }
    for one in statements(environment, "gateway"):
        called = [arn for arn in many(one["Resource"]) if "foundation-model" in arn]
        if called and INVOKE[0] in many(one["Action"]) and not set(called) <= bare:
            assert one["Condition"] == {
                "StringLike": {
                    "bedrock:InferenceProfileArn": (
                        f"arn:aws:bedrock:{region}:{ACCOUNT}:inference-profile/*"
                    )
                }
            }


def test_it_counts_tokens_of_models_that_bedrock_counts(environment: Deployment) -> None:
    region = region_of(environment)
    models = load_catalog(region=region, profile=None).models()

    assert allowed(environment, "bedrock:CountTokens") == {
        f"arn:aws:bedrock:{region}::foundation-model/{model.bedrock_id}"
        for model in models
        if model.capabilities.count_tokens
    }


def test_it_may_do_nothing_else(environment: Deployment) -> None:
    actions = {a for one in statements(environment, "gateway") for a in many(one["Action"])}

    assert actions == {*INVOKE, "bedrock:CountTokens"}


def test_no_policy_has_a_wildcard_for_a_model(environment: Deployment) -> None:
    for one in statements(environment, "gateway"):
        assert not any("*" in arn or "?" in arn for arn in many(one["Resource"]))


def test_policies_fit_into_what_iam_takes(environment: Deployment) -> None:
    for one in environment.all("aws_iam_policy"):
        assert len(one["policy"]) <= 6144, one.address
    for service in environment.outputs["operations"]["services"]:
        assert len(environment.service("aws_iam_role_policy_attachment", service)) <= 10


@pytest.mark.parametrize(
    "region", ["us-gov-west-1", "eu-central-1", "ap-northeast-1", "ap-southeast-2", "sa-east-1"]
)
def test_the_same_holds_in_every_geography(
    terraform: Terraform, own_infra: Path, region: str
) -> None:
    found = planned(terraform, own_infra, "poc", f"-var=region={region}")
    profiles, models = expected(region)

    assert allowed(found, INVOKE[0]) == profiles | models


def test_guardrails_are_applied_where_they_are_named(terraform: Terraform, own_infra: Path) -> None:
    values = 'bedrock={guardrails=["gr1abc2def3"],failover=["global"]}'
    found = planned(terraform, own_infra, "poc", f"-var={values}")

    assert allowed(found, "bedrock:ApplyGuardrail") == {
        f"arn:aws:bedrock:us-west-1:{ACCOUNT}:guardrail/gr1abc2def3"
    }


def test_each_service_has_roles_of_its_own(environment: Deployment) -> None:
    roles = [
        definition[role]
        for definition in environment.all("aws_ecs_task_definition")
        for role in ("execution_role_arn", "task_role_arn")
    ]

    assert len(roles) == len(set(roles))


def test_starting_a_task_reads_its_own_secrets_only(environment: Deployment) -> None:
    for service in environment.outputs["operations"]["services"]:
        wanted = {
            ":".join(one["valueFrom"].split(":")[:7])
            for one in environment.containers(service)[service].get("secrets", [])
        }
        role = environment.service("aws_iam_role_policy", service)
        execution = next(one for one in role if one.address.endswith(".execution"))
        readable = {
            arn
            for one in execution.policy()
            if "secretsmanager:GetSecretValue" in many(one["Action"])
            for arn in many(one["Resource"])
        }
        assert readable == wanted, service


def test_stars_stand_only_where_aws_names_nothing(environment: Deployment) -> None:
    nameless = {
        "cloudwatch:DescribeAlarms",
        "cloudwatch:GetMetricData",
        "cloudwatch:GetMetricStatistics",
        "cloudwatch:ListMetrics",
        "ecr:GetAuthorizationToken",
        "ssmmessages:*",
        "tag:GetResources",
    }
    for one in environment.all("aws_iam_policy", "aws_iam_role_policy"):
        for statement in one.policy():
            if statement["Effect"] == "Allow" and "*" in many(statement["Resource"]):
                for action in many(statement["Action"]):
                    assert any(fnmatch.fnmatchcase(action, a) for a in nameless), one.address


def test_nobody_is_an_administrator(environment: Deployment) -> None:
    for one in environment.all("aws_iam_policy", "aws_iam_role_policy"):
        for statement in one.policy():
            actions = many(statement["Action"])
            assert not any(action in ("*", "iam:*") or action.endswith(":*") for action in actions)


def test_tasks_are_taken_by_ecs_of_this_account_only(environment: Deployment) -> None:
    roles = environment.service("aws_iam_role", "gateway")
    assert len(roles) == 2
    for one in roles:
        (trust,) = one.policy("assume_role_policy")
        assert trust["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
        assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
