"""A checkout to run workflows in, and an AWS of its own."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.infra.standin.server import serving as standing_in
from tests.infra.support.terraform import binary
from tests.ops.plan import fake_github
from tests.ops.plan.fake_github import GitHub
from tests.workflows.support import act, platform, roots
from tests.workflows.support.act import Checkout
from tests.workflows.support.platform import Platform


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    with platform.serving() as found:
        yield found


@pytest.fixture
def aws(address: str) -> Platform:
    """The platform's poc, as it is at the beginning of every test."""
    httpx.post(f"{address}/moto-api/reset").raise_for_status()
    found = Platform(address)
    found.make()
    return found


@pytest.fixture
def checkout(tmp_path: Path, address: str) -> Checkout:
    if not act.ACT.exists():
        pytest.skip("act has no package for this platform")
    made = act.checkout(tmp_path)
    made.environment["AWS_ENDPOINT_URL"] = address
    return made


@pytest.fixture
def github() -> Iterator[GitHub]:
    with fake_github.serving() as found:
        yield found


@pytest.fixture(scope="session")
def terraform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    """Its path, and the environment in which it finds the stand-in for the provider."""
    path = binary(tmp_path_factory.mktemp("terraform"))
    if path is None:
        pytest.skip("terraform is not installed, and this platform has no package of it")
    with standing_in() as environment:
        yield path, environment


@pytest.fixture
def repository(
    checkout: Checkout, aws: Platform, github: GitHub, terraform: tuple[Path, dict[str, str]]
) -> Checkout:
    """A main with small roots for both environments, and the bucket of their states."""
    roots.prepare(checkout, *terraform, github)
    aws.client("s3").create_bucket(
        Bucket=roots.BUCKET,
        CreateBucketConfiguration={"LocationConstraint": platform.REGION},
    )
    return checkout
