"""A platform to run playbooks on: moto's AWS, with a real gateway and a real PostgreSQL."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import pytest

from app.database.migrate import migrate
from tests.ops.playbooks.ansible import QUICK, Ansible, settings
from tests.ops.playbooks.cloud import PASSWORD, Cloud, doing
from tests.support.fork_server import ForkServer
from tests.support.instance import Instance, rds_instance
from tests.support.processes import emulator_process
from tests.workflows.support import platform


@pytest.fixture(scope="session")
def instance() -> Iterator[Instance]:
    with rds_instance() as found:
        assert found.set_up(GATEWAY_PASSWORD=PASSWORD).returncode == 0
        migrate(found.url("gateway", PASSWORD))
        yield found


@pytest.fixture(scope="session")
def _bedrock() -> Iterator[str]:
    with emulator_process() as emulator:
        yield emulator.url


@pytest.fixture(scope="session")
def _aws() -> Iterator[str]:
    with platform.serving() as address:
        yield address


@pytest.fixture
def cloud(_aws: str, instance: Instance, _bedrock: str, tmp_path: Path) -> Iterator[Cloud]:
    httpx.post(f"{_aws}/moto-api/reset").raise_for_status()
    instance.set_up(GATEWAY_PASSWORD=PASSWORD)
    made = Cloud(_aws)
    with ExitStack() as running:
        made.make_all(instance, _bedrock, tmp_path, running)
        # Not before and not after: other tests of this worker use moto as it is.
        running.enter_context(doing(made))
        yield made


@pytest.fixture(scope="session")
def _forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    home = tmp_path_factory.mktemp("ansible")
    with closing(ForkServer({QUICK: QUICK}, settings(home))) as server:
        yield server


@pytest.fixture
def ansible(cloud: Cloud, tmp_path: Path, _forks: ForkServer) -> Ansible:
    gateway = cloud.gateway_task.process
    return Ansible(
        tmp_path,
        {
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": cloud.address,
            "GATEWAY_URL": gateway.public_url,
            "GATEWAY_INTERNAL_URL": gateway.internal_url,
        },
        _forks,
    )
