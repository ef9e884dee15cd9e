"""What tests of ops share."""

from collections.abc import Iterator

import pytest

from tests.ops.support.clock import FakeClock
from tests.ops.support.fake_ecs import FakeEcs
from tests.ops.support.world import World


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of whoever runs the tests; nothing here may reach a real account."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "GITHUB_ACTIONS", "STARGATE_ENV"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def ecs(clock: FakeClock) -> FakeEcs:
    return FakeEcs(clock)


@pytest.fixture
def world(clock: FakeClock, ecs: FakeEcs) -> Iterator[World]:
    """An environment with a cluster; all else by moto."""
    from moto import mock_aws

    with mock_aws():
        yield World(clock, {"ecs": ecs})
