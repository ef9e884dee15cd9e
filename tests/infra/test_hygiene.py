"""What holds for every resource: encrypted, logged for a time, tagged, named, without secrets."""

import json
import re

import pytest

from app.settings import Settings
from tests.infra.support.deployment import Deployment
from tests.infra.support.terraform import ROOT

KEYS = {
    "aws_cloudwatch_log_group": "kms_key_id",
    "aws_db_instance": "kms_key_id",
    "aws_efs_file_system": "kms_key_id",
    "aws_secretsmanager_secret": "kms_key_id",
    "aws_sns_topic": "kms_master_key_id",
}
TAGS = {"environment", "managed-by", "owner", "project", "repository", "root"}
NUMBERS = {"poc": 208, "prod": 298}
"""Changed on purpose only: a resource more or less is seen in review."""


def test_the_number_of_resources_is_known(environment: Deployment) -> None:
    assert len(environment.resources) == NUMBERS[environment.name]


def test_nothing_lies_in_clear(environment: Deployment) -> None:
    key = environment.only("aws_kms_key")["arn"]
    for kind, attribute in KEYS.items():
        for one in environment.all(kind):
            # CloudFront's firewall logs in a region that the key need not be in.
            if not one.values.get("name", "").startswith("aws-waf-logs-"):
                assert one[attribute] == key, one.address
    assert all(one["storage_encrypted"] for one in environment.all("aws_db_instance"))
    assert all(one["encrypted"] for one in environment.all("aws_efs_file_system"))
    for one in environment.all("aws_ecr_repository"):
        assert one["encryption_configuration"][0]["kms_key"] == key
    for one in environment.all("aws_ecs_task_definition"):
        for volume in one["volume"]:
            for efs in volume["efs_volume_configuration"]:
                assert efs["transit_encryption"] == "ENABLED"
                assert efs["authorization_config"][0]["iam"] == "ENABLED"


def test_every_bucket_is_closed_encrypted_and_versioned(environment: Deployment) -> None:
    buckets = {one["bucket"] for one in environment.all("aws_s3_bucket")}
    for kind in (
        "aws_s3_bucket_public_access_block",
        "aws_s3_bucket_server_side_encryption_configuration",
        "aws_s3_bucket_versioning",
        "aws_s3_bucket_lifecycle_configuration",
        "aws_s3_bucket_policy",
    ):
        assert {one["bucket"] for one in environment.all(kind)} == buckets, kind
    for one in environment.all("aws_s3_bucket_policy"):
        assert one.policy()[0]["Effect"] == "Deny"
        assert one.policy()[0]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_every_log_ends_some_day(environment: Deployment) -> None:
    for one in environment.all("aws_cloudwatch_log_group"):
        assert one["retention_in_days"] >= 14, one.address


def test_every_log_that_a_container_writes_to_exists(environment: Deployment) -> None:
    groups = {one["name"] for one in environment.all("aws_cloudwatch_log_group")}
    for service in environment.outputs["operations"]["services"]:
        for container in environment.containers(service).values():
            assert container["logConfiguration"]["options"]["awslogs-group"] in groups


def test_tags_are_everywhere(environment: Deployment) -> None:
    for one in environment.resources:
        if "tags_all" in one.values:
            assert set(one["tags_all"]) >= TAGS, one.address
            assert one["tags_all"]["environment"] == environment.name


def test_names_begin_with_the_environment(environment: Deployment) -> None:
    prefix = f"stargate-{environment.name}"
    for kind in (
        "aws_ecs_cluster",
        "aws_iam_role",
        "aws_iam_policy",
        "aws_lb",
        "aws_security_group",
    ):
        for one in environment.all(kind):
            assert one["name"].startswith(prefix), one.address


def test_names_of_load_balancer_parts_are_short_enough(environment: Deployment) -> None:
    for one in environment.all("aws_lb", "aws_lb_target_group"):
        assert len(one["name"]) <= 32, one["name"]


def test_every_secret_that_a_task_reads_exists(environment: Deployment) -> None:
    known = {one["arn"] for one in environment.all("aws_secretsmanager_secret")}
    known.add(environment.only("aws_db_instance")["master_user_secret"][0]["secret_arn"])
    for service in environment.outputs["operations"]["services"]:
        for secret in environment.containers(service)[service].get("secrets", []):
            assert ":".join(secret["valueFrom"].split(":")[:7]) in known, secret


def test_no_secret_value_is_in_the_state(environment: Deployment) -> None:
    kinds = {one.kind for one in environment.resources}
    assert not kinds & {"aws_secretsmanager_secret_version", "random_password", "tls_private_key"}
    assert environment.only("aws_db_instance")["password"] is None
    text = json.dumps(environment.state)
    assert not re.search(r"\bsk-[A-Za-z0-9]{8}|AKIA[A-Z0-9]{16}|BEGIN [A-Z ]*PRIVATE KEY", text)


def test_images_are_pinned(environment: Deployment) -> None:
    for service in environment.outputs["operations"]["services"]:
        for container in environment.containers(service).values():
            image = container["image"]
            assert re.search(r"@sha256:[0-9a-f]{64}$|:v?\d+\.\d+\.?\d*[\w.-]*$", image), image


@pytest.mark.parametrize("name", ["poc", "prod"])
def test_settings_in_the_file_are_settings_of_the_gateway(name: str) -> None:
    file = ROOT / "infra" / "terraform" / "environments" / name / "gateway.json"
    known = {Settings.variables(field)[0] for field in Settings.model_fields}

    assert set(json.loads(file.read_text())) <= known


def test_what_the_gateway_is_told_makes_up_its_settings(
    environment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    container = environment.containers("gateway")["gateway"]
    for one in container["environment"]:
        monkeypatch.setenv(one["name"], one["value"])
    for one in container["secrets"]:
        monkeypatch.setenv(one["name"], "a-value-of-a-secret")
    monkeypatch.setenv("GATEWAY_SPOOL_DIR", "/var/lib/gateway/spool")

    settings = Settings()

    assert settings.aws_region == {"poc": "us-west-1", "prod": "us-east-1"}[environment.name]
    names = {one["name"] for one in container["environment"] if one["name"].startswith("GATEWAY_")}
    assert names <= {Settings.variables(field)[0] for field in Settings.model_fields}


def test_every_resource_is_in_the_region_or_where_cloudfront_is(poc: Deployment) -> None:
    for one in poc.resources:
        assert one.values.get("region", "us-west-1") in ("us-west-1", "us-east-1"), one.address


def test_alarms_are_in_the_region_of_the_topic_that_they_tell(environment: Deployment) -> None:
    topic = environment.only("aws_sns_topic")["arn"]
    for alarm in environment.all("aws_cloudwatch_metric_alarm"):
        assert alarm["alarm_actions"] == alarm["ok_actions"] == [topic]
        assert alarm["region"] == topic.split(":")[3]


def test_alarms_name_resources_that_exist(environment: Deployment) -> None:
    text = json.dumps([one.values for one in environment.resources])
    for alarm in environment.all("aws_cloudwatch_metric_alarm"):
        for value in (alarm["dimensions"] or {}).values():
            assert text.count(json.dumps(value)) > 1, alarm.address
