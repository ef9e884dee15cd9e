"""Each module's example is applied by pytest-terraform, which hands its outputs to the tests."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from pytest_terraform import tf

from tests.infra.support.terraform import ROOT, Terraform

Example: TypeAlias = Any
"""What the plugin hands to a test: outputs and resources."""

MODULES = ROOT / "infra" / "terraform" / "modules"


class Runner(tf.TerraformRunner):  # type: ignore[misc]
    """The plugin expects `init` to make the folder of its data; with an attached provider it need
    not."""

    def __init__(self, work_dir: str, **options: Any) -> None:
        Path(work_dir).mkdir(parents=True, exist_ok=True)
        super().__init__(work_dir, **options)


@pytest.fixture(scope="module", autouse=True)
def _set_up(
    terraform: Terraform, infra: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Name the examples as the plugin wants them, and let it find Terraform and the stand-in."""
    roots = tmp_path_factory.mktemp("roots")
    for module in infra.glob("modules/*"):
        if (module / "examples").exists():
            (roots / module.name.replace("-", "_")).symlink_to(module / "examples" / "basic")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tf, "TerraformRunner", Runner)
        patch.setattr(tf.LazyTfBin, "value", str(terraform.path))
        patch.setattr(tf.LazyModuleDir, "value", str(roots))
        for name, value in {**terraform.environment, "CHECKPOINT_DISABLE": "1"}.items():
            patch.setenv(name, value)
        yield


def output(example: Example, name: str) -> Any:
    return example.outputs[name]["value"]


@tf.terraform("label", scope="module")
def test_a_label(label: Example) -> None:
    assert output(label, "prefix") == "stargate-poc"
    assert output(label, "tags")["root"] == "environments/poc"


@tf.terraform("service_spec", scope="module")
def test_a_service_spec(service_spec: Example) -> None:
    assert list(output(service_spec, "connections")) == ["grafana-to-gateway-4000"]
    assert output(service_spec, "routes")["gateway"]["paths"] == ["/v1/*"]


@tf.terraform("network", scope="module")
def test_a_network(network: Example) -> None:
    assert set(output(network, "private_subnets")) == {"a", "c"}
    assert len(output(network, "nat_addresses")) == 1
    assert network.resources["aws_autoscaling_group"]["nat"]["availability_zones"] == ["us-west-1a"]


@tf.terraform("ecs_cluster", scope="module")
def test_a_cluster(ecs_cluster: Example) -> None:
    assert output(ecs_cluster, "name") == "example-poc"
    assert output(ecs_cluster, "namespace")["name"] == "example-poc.internal"


@tf.terraform("ecs_service", scope="module")
def test_a_service(ecs_service: Example) -> None:
    definition = ecs_service.resources["aws_ecs_task_definition"]["this"]
    prepare, hello = json.loads(definition["container_definitions"])

    assert output(ecs_service, "log_group") == "/example-poc/hello"
    assert hello["dependsOn"] == [{"condition": "SUCCESS", "containerName": "prepare"}]
    assert hello["readonlyRootFilesystem"] is True
    assert {"name": "PATH_0", "value": "hello.conf"} in prepare["environment"]


@tf.terraform("edge", scope="module")
def test_an_edge(edge: Example) -> None:
    assert output(edge, "endpoint").endswith(".cloudfront.net")
    assert output(edge, "public_paths") == ["/v1/*"]
    assert edge.resources["aws_lb"]["this"]["internal"] is True


@tf.terraform("database", scope="module")
def test_a_database(database: Example) -> None:
    assert output(database, "address").startswith("example-poc.")
    assert ":secret:rds!db-" in output(database, "master_secret_arn")


@tf.terraform("secrets", scope="module")
def test_secrets(secrets: Example) -> None:
    assert output(secrets, "names") == {"gateway/master-key": "example-poc/gateway/master-key"}
    assert "aws_secretsmanager_secret_version" not in secrets.resources


@tf.terraform("storage", scope="module")
def test_storage(storage: Example) -> None:
    assert set(output(storage, "access_point_ids")) == {"metrics"}
    assert output(storage, "bucket_names") == {"logs": "example-poc-logs-123456789012"}


@tf.terraform("registry", scope="module")
def test_a_registry(registry: Example) -> None:
    assert output(registry, "urls")["gateway"].endswith("/example-poc/gateway")


@tf.terraform("alarms", scope="module")
def test_alarms(alarms: Example) -> None:
    assert output(alarms, "names") == {"database-cpu": "example-poc-database-cpu"}
    assert output(alarms, "topic_arn") in json.dumps(
        alarms.resources["aws_cloudwatch_metric_alarm"]
    )


@tf.terraform("github_oidc", scope="module")
def test_roles_for_github(github_oidc: Example) -> None:
    assert output(github_oidc, "role_arns")["ops-poc"].endswith(":role/example-ops-poc")


def test_every_example_is_tested() -> None:
    examples = {path.parents[1].name for path in MODULES.glob("*/examples/basic")}

    assert {one.name for one in tf.terraform.get_fixtures()} == {
        name.replace("-", "_") for name in examples
    }
