"""Services are what services.json says, and what runs in them works: configuration, roles, time."""

import json
import os
import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from app.settings import Settings
from app.web.server import HAND_OVER_SECONDS, KEEPALIVE_SECONDS
from tests.infra.support.deployment import Deployment
from tests.infra.support.terraform import ROOT

PLATFORM = ROOT / "infra/terraform/modules/platform"
OBSERVABILITY = ROOT / "infra/observability"
FACTS = json.loads((PLATFORM / "services.json").read_text())
PREPARE = ROOT / "infra/terraform/modules/ecs-service/files/prepare.sh"
ELSEWHERE = ("infra/grafana", "infra/observability", "ops", ".github/workflows", "docs/runbooks")
"""Where later parts name services. What is not there yet names none."""

NAMED = re.compile(
    # `service: str` is no service, but what Python says of one.
    r"(?:--service[= ]|\bservice: (?!str\b)|/stargate-(?:poc|prod)/|\bjob=~?\")([a-z][a-z0-9-]+)"
)


def scraped() -> dict[str, int]:
    """Job and port of what VictoriaMetrics reads."""
    file = yaml.safe_load((OBSERVABILITY / "victoria-metrics/scrape.yml").read_text())
    return {
        one["job_name"]: one["dns_sd_configs"][0]["port"]
        if "dns_sd_configs" in one
        else urlsplit("//" + one["static_configs"][0]["targets"][0]).port
        for one in file["scrape_configs"]
    }


def test_everything_with_metrics_is_scraped_at_its_port() -> None:
    assert scraped() == {
        name: one["ports"][one["metrics"]["port"]]
        for name, one in FACTS.items()
        if "metrics" in one
    }


def test_who_scrapes_may_connect() -> None:
    reachable = FACTS["victoria-metrics"]["calls"]

    assert set(scraped()) == {*reachable, "victoria-metrics"}


@pytest.mark.parametrize("folder", ELSEWHERE)
def test_names_of_services_elsewhere_are_names_of_services(folder: str) -> None:
    known = {*FACTS, "exec", "flow-logs"}
    for path in sorted((ROOT / folder).glob("**/*")):
        if path.is_file() and path.suffix in (".md", ".json", ".yml", ".yaml", ".py"):
            assert set(NAMED.findall(path.read_text())) <= known, path


def test_the_environments_run_what_the_file_says(poc: Deployment, prod: Deployment) -> None:
    of_langfuse = {name for name, one in FACTS.items() if one["group"] == "langfuse"}

    assert set(prod.outputs["operations"]["services"]) == set(FACTS)
    assert set(poc.outputs["operations"]["services"]) == set(FACTS) - of_langfuse


def test_the_number_of_services_and_tasks_is_known(environment: Deployment) -> None:
    services = environment.outputs["operations"]["services"]
    running = {name for name, one in services.items() if one["kind"] == "service"}

    assert {one["name"] for one in environment.all("aws_ecs_service")} == running
    assert len(environment.all("aws_ecs_task_definition")) == len(services)
    for name in running:
        assert services[name]["log_group"] == f"/stargate-{environment.name}/{name}"


def test_every_service_rolls_back_by_itself(environment: Deployment) -> None:
    for one in environment.all("aws_ecs_service"):
        assert one["deployment_circuit_breaker"][0]["enable"], one.address
        assert one["deployment_circuit_breaker"][0]["rollback"], one.address
        assert one["enable_execute_command"], one.address


def test_containers_run_without_privileges_on_a_read_only_root(environment: Deployment) -> None:
    for name in environment.outputs["operations"]["services"]:
        container = environment.containers(name)[name]
        writes = FACTS[name].get("writes_everywhere", False)
        assert container["readonlyRootFilesystem"] is not writes, name
        if not writes:
            user = container["user"].split(":")[0]
            assert int(user) > 0, name
            paths = {one["containerPath"] for one in container["mountPoints"]}
            assert {"/managed-agents", "/var/lib/amazon/ssm", "/var/log/amazon/ssm"} <= paths


def test_every_service_says_whether_it_is_healthy(environment: Deployment) -> None:
    for name, one in environment.outputs["operations"]["services"].items():
        if one["kind"] == "service":
            check = environment.containers(name)[name]["healthCheck"]["command"]
            assert check[0] in ("CMD", "CMD-SHELL"), name


def test_the_gateway_scales_by_cpu_memory_and_requests_under_way(environment: Deployment) -> None:
    names = {one["name"] for one in environment.service("aws_appautoscaling_policy", "gateway")}

    assert names == {
        "ConcurrentRequestsPerTarget",
        "ECSServiceAverageCPUUtilization",
        "ECSServiceAverageMemoryUtilization",
    }


def test_an_answer_may_end_before_its_task_does(environment: Deployment) -> None:
    container = environment.containers("gateway")["gateway"]
    told = {one["name"]: one["value"] for one in container["environment"]}
    group = environment.only("aws_lb_target_group", '["gateway-public"]')
    settling = Settings.model_fields["database_timeout_seconds"].default
    last = float(told["GATEWAY_SHUTDOWN_SECONDS"]) + HAND_OVER_SECONDS + settling

    assert int(group["deregistration_delay"]) >= 900
    assert last <= container["stopTimeout"] <= 120


def test_the_gateway_knows_who_stands_between_it_and_its_clients(environment: Deployment) -> None:
    container = environment.containers("gateway")["gateway"]
    told = {one["name"]: one["value"] for one in container["environment"]}

    assert environment.only("aws_lb")["xff_header_processing_mode"] == "append"
    assert told["GATEWAY_PUBLIC_TRUSTED_PROXIES"] == "2"
    assert told["GATEWAY_INTERNAL_TRUSTED_PROXIES"] == "1"


def test_everybody_in_the_row_is_more_patient_than_the_one_before(environment: Deployment) -> None:
    origin = environment.only("aws_cloudfront_distribution")["origin"][0]["vpc_origin_config"][0]
    balancer = environment.only("aws_lb")
    ping = Settings.model_fields["ping_interval_seconds"].default
    first = Settings.model_fields["first_event_timeout_seconds"].default

    assert first + ping < origin["origin_read_timeout"]
    assert origin["origin_read_timeout"] < balancer["idle_timeout"] < KEEPALIVE_SECONDS


@pytest.mark.parametrize("service", ["vmalert", "alertmanager", "victoria-metrics"])
def test_configuration_arrives_as_it_is_in_the_repository(
    poc: Deployment, service: str, tmp_path: Path
) -> None:
    prepare = poc.containers(service)["prepare"]
    script = PREPARE.read_text()
    assert prepare["command"] == ["sh", "-c", script]
    for name in ("configuration", "writable"):
        (tmp_path / name).mkdir()
    for name in FACTS[service].get("writable", {}):
        (tmp_path / "writable" / name).mkdir()
    variables = {one["name"]: one["value"] for one in prepare["environment"]}

    done = subprocess.run(
        ["sh", "-c", re.sub(r'"/(configuration|writable)', rf'"{tmp_path}/\1', script)],
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    ours = PLATFORM / "configuration" / service
    source = ours if ours.exists() else OBSERVABILITY / service
    for file in source.iterdir():
        text = (tmp_path / "configuration" / file.name).read_text()
        assert set(re.findall(r"@[A-Z_]+@", text)) <= {"@NAMES@"}
        expected = file.read_text().replace("@REGION@", "us-west-1")
        expected = expected.replace("@TOPIC_ARN@", poc.only("aws_sns_topic")["arn"])
        assert text == expected
    for folder in (tmp_path / "writable").iterdir():
        assert folder.stat().st_mode & 0o7777 == 0o1777
