"""Terraform's real S3 backend with its lock file, against moto's S3."""

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.infra.support.deployment import EXAMPLE_VALUES
from tests.infra.support.terraform import Terraform
from tests.observability.servers import free_port, process

BUCKET = "stargate-terraform-123456789012"
KEY = "environments/poc/terraform.tfstate"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
WAIT_SECONDS = 30
MOTO = (
    "-backend-config=use_path_style=true",
    "-backend-config=skip_credentials_validation=true",
    "-backend-config=skip_requesting_account_id=true",
)


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of an AWS of this test's own: as a thread, moto would share its buckets with all
    other tests of this process."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with process(command, f"{url}/moto-api/", tmp_path_factory.mktemp("moto") / "moto.log"):
        yield url


@pytest.fixture
def s3(aws: str) -> Iterator[Any]:
    """The client, with a state bucket as bootstrap makes it: with versions."""
    client = boto3.client(
        "s3",
        endpoint_url=aws,
        region_name="us-west-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    client.create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "us-west-1"}
    )
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    yield client
    bucket = boto3.resource(
        "s3",
        endpoint_url=aws,
        region_name="us-west-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    ).Bucket(BUCKET)
    bucket.object_versions.delete()
    bucket.delete()


@pytest.fixture
def with_backend(terraform: Terraform, aws: str) -> Terraform:
    """Terraform whose backend speaks to moto; its provider is the stand-in as ever."""
    endpoints = {"AWS_ENDPOINT_URL_S3": aws, "AWS_ENDPOINT_URL_STS": aws}
    return replace(terraform, environment={**terraform.environment, **CREDENTIALS, **endpoints})


@pytest.fixture
def root(own_infra: Path) -> Path:
    """A small root with the backend of poc."""
    folder = own_infra / "environments" / "small"
    folder.mkdir()
    backend = (own_infra / "environments/poc/backend.tf").read_text()
    (folder / "backend.tf").write_text(backend)
    (folder / "main.tf").write_text(
        'variable "note" {\n  type = string\n}\n\n'
        'resource "terraform_data" "this" {\n  input = var.note\n}\n'
    )
    (folder / "backend.hcl").write_text(f'bucket = "{BUCKET}"\nregion = "us-west-1"\n')
    return folder


def keys(s3: Any) -> set[str]:
    return {one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])}


def test_the_state_is_in_the_bucket_with_its_versions(
    with_backend: Terraform, s3: Any, root: Path
) -> None:
    with_backend.must(root, "init", "-backend-config=backend.hcl", *MOTO)
    for note in ("one", "two"):
        with_backend.must(root, "apply", "-auto-approve", f"-var=note={note}")

    versions = s3.list_object_versions(Bucket=BUCKET, Prefix=KEY)["Versions"]
    assert keys(s3) == {KEY}
    assert len([one for one in versions if one["Key"] == KEY]) == 2
    assert not list(root.glob("*.tfstate"))


def test_of_two_at_a_time_one_is_refused(with_backend: Terraform, s3: Any, root: Path) -> None:
    with_backend.must(root, "init", "-backend-config=backend.hcl", *MOTO)
    first = subprocess.Popen(
        [with_backend.path, "apply", "-var=note=first"],
        cwd=root,
        env={"PATH": "/usr/bin:/bin", "HOME": str(root), **with_backend.environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + WAIT_SECONDS
        while f"{KEY}.tflock" not in keys(s3):
            assert time.monotonic() < deadline, "the first one takes no lock"
            time.sleep(0.02)
        second = with_backend(root, "apply", "-auto-approve", "-var=note=second")
    finally:
        first.communicate(b"no\n", timeout=WAIT_SECONDS)

    assert second.code == 1
    assert "Error acquiring the state lock" in second.text
    assert keys(s3) == set()
    with_backend.must(root, "apply", "-auto-approve", "-var=note=third")
    assert keys(s3) == {KEY}


def test_bootstrap_moves_its_own_state_into_the_bucket(
    with_backend: Terraform, s3: Any, own_infra: Path
) -> None:
    folder = own_infra / "bootstrap"
    with_backend.must(folder, "init")
    with_backend.must(folder, "apply", "-auto-approve", EXAMPLE_VALUES)
    hcl = with_backend.must(folder, "output", "-raw", "backend")
    # moto's KMS knows no key that the stand-in made up.
    lines = [line for line in hcl.splitlines() if not line.startswith("kms_key_id")]
    (folder / "backend.hcl").write_text("\n".join(lines))
    (folder / "backend.tf.example").rename(folder / "backend.tf")

    with_backend.must(
        folder, "init", "-migrate-state", "-force-copy", "-backend-config=backend.hcl", *MOTO
    )

    assert keys(s3) == {"bootstrap/terraform.tfstate"}
    (folder / "terraform.tfstate").unlink()
    run = with_backend(folder, "plan", EXAMPLE_VALUES, "-detailed-exitcode")
    assert run.code == 0, run.output[-2000:]
