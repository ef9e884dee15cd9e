"""Names are those that Terraform makes."""

import json
import re
from pathlib import Path

import pytest

from ops import services
from ops.context import ENVIRONMENTS, REGIONS
from ops.errors import NotFound
from ops.gateway import SECRET
from ops.names import Names

INFRA = Path(__file__).parents[2] / "infra" / "terraform"
MODULES = INFRA / "modules"
NAMES = Names("stargate", "poc")
VALUES = {
    "var.prefix": "stargate-poc",
    "var.project": "stargate",
    "var.environment": "poc",
    "var.name": "gateway",
    "var.cluster.name": "stargate-poc",
    "aws_ecs_service.this[0].name": "gateway",
    "each.key": "gateway/master-key",
}


def made(module: str, resource: str, field: str) -> str:
    """What Terraform's expression for a field comes to."""
    text = "\n".join(path.read_text() for path in sorted((MODULES / module).glob("*.tf")))
    block = text.split(resource)[1].split("\n}\n")[0]
    (expression,) = re.findall(rf"^\s*{field}\s*= (.+)$", block, re.MULTILINE)[:1]
    if expression in VALUES:
        return VALUES[expression]
    return re.sub(r"\$\{([^}]+)\}", lambda found: VALUES[found[1]], expression.strip('"'))


@pytest.mark.parametrize(
    ("module", "resource", "field", "name"),
    [
        ("label", "locals", "prefix", NAMES.prefix),
        ("ecs-cluster", '"aws_ecs_cluster" "this"', "name", NAMES.cluster),
        ("ecs-cluster", '"aws_cloudwatch_log_group" "exec"', "name", NAMES.log_group("exec")),
        ("ecs-service", '"aws_ecs_service" "this"', "name", "gateway"),
        ("ecs-service", '"aws_ecs_task_definition" "this"', "family", NAMES.family("gateway")),
        ("ecs-service", '"aws_cloudwatch_log_group" "this"', "name", NAMES.log_group("gateway")),
        (
            "ecs-service",
            '"aws_appautoscaling_target" "this"',
            "resource_id",
            NAMES.scalable_target("gateway"),
        ),
        ("database", '"aws_db_instance" "this"', "identifier", NAMES.database),
        ("network", '"aws_autoscaling_group" "nat"', "name", NAMES.nat),
        ("secrets", '"aws_secretsmanager_secret" "this"', "name", NAMES.secret(SECRET)),
    ],
)
def test_a_name_is_the_one_that_terraform_makes(
    module: str, resource: str, field: str, name: str
) -> None:
    assert made(module, resource, field) == name


def test_the_environments_are_those_of_terraform() -> None:
    assert {path.parent.name for path in INFRA.glob("environments/*/main.tf")} == set(ENVIRONMENTS)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_is_where_terraform_puts_it(environment: str) -> None:
    text = (INFRA / "environments" / environment / "variables.tf").read_text()
    region = text.split('variable "region" {')[1].split("}\n")[0]

    assert f'"{REGIONS[environment]}"' in region


def test_services_and_tasks_are_told_apart() -> None:
    facts = json.loads(services.FACTS.read_text())

    assert set(services.everything()) == set(facts)
    assert set(facts) - set(services.services()) == {"gateway-migrate", "database-setup"}
    assert [name for name, one in services.services().items() if one.keeps_data] == [
        "victoria-metrics",
        "clickhouse",
    ]


def test_a_task_is_no_service_to_restart() -> None:
    with pytest.raises(NotFound):
        services.find("gateway-migrate")
    assert services.find("gateway-migrate", among=services.everything()).is_task
