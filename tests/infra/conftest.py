"""Terraform with the stand-in provider, and both environments applied in it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_terraform import hooks, tf

from tests.infra.standin.server import serving
from tests.infra.support.deployment import Deployment, deployed_once
from tests.infra.support.terraform import Terraform, binary, copy_infra

# An optional tier, which fetches the provider of 2021; what it takes is in its own file.
collect_ignore = [] if os.environ.get("STARGATE_REAL_PROVIDER") else ["test_real_provider.py"]


def pytest_configure(config: pytest.Config) -> None:
    """What pytest-terraform would do by itself, without ending runs that have no Terraform."""
    config.pluginmanager.add_hookspecs(hooks)
    config.addinivalue_line("markers", "terraform: tests using terraform fixtures")
    tf.PytestConfig.value = config
    tf.LazyReplay.value = False


@pytest.fixture(scope="session")
def terraform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terraform]:
    """A command that finds the stand-in; none of its runs reaches AWS or a registry."""
    path = binary(tmp_path_factory.mktemp("terraform"))
    if path is None:
        pytest.skip("terraform is not installed, and this platform has no package of it")
    with serving() as environment:
        yield Terraform(path, environment)


@pytest.fixture(scope="session")
def infra(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of infra/terraform that the tests of a worker share; they do not change its files."""
    return copy_infra(tmp_path_factory.mktemp("infra"))


@pytest.fixture
def own_infra(tmp_path: Path) -> Path:
    """A copy for one test, which may change it."""
    return copy_infra(tmp_path)


@pytest.fixture(scope="session")
def _deployments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the workers of a run share."""
    folder = tmp_path_factory.getbasetemp()
    return (folder.parent if os.environ.get("PYTEST_XDIST_WORKER") else folder) / "deployments"


@pytest.fixture(scope="session")
def poc(terraform: Terraform, infra: Path, _deployments: Path) -> Deployment:
    return deployed_once(terraform, infra, "poc", _deployments)


@pytest.fixture(scope="session")
def prod(terraform: Terraform, infra: Path, _deployments: Path) -> Deployment:
    return deployed_once(terraform, infra, "prod", _deployments)


@pytest.fixture(params=["poc", "prod"])
def environment(request: pytest.FixtureRequest) -> Deployment:
    """Each environment in turn."""
    found: Deployment = request.getfixturevalue(request.param)
    return found
