"""Where `up --bedrock aws` looks for credentials, and what it says without them."""

from pathlib import Path

import pytest

from app.local.aws import AwsEnvironment, find_aws
from app.local.stack_errors import StackError


@pytest.fixture(autouse=True)
def _no_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example")


def test_without_credentials_it_says_what_to_set() -> None:
    with pytest.raises(StackError, match=r"(?s)No AWS credentials.*AWS_PROFILE.*emulator"):
        find_aws()


def test_a_profile_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nowhere")
    with pytest.raises(StackError, match="nowhere"):
        find_aws()


@pytest.mark.usefixtures("keys")
def test_without_a_region_it_says_what_to_set() -> None:
    with pytest.raises(StackError, match="AWS_REGION"):
        find_aws()


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize("name", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_the_region_comes_from_either_variable(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "eu-west-1")
    assert find_aws() == AwsEnvironment("eu-west-1", {"AWS_REGION": "eu-west-1"})


def test_a_profile_brings_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config").write_text(
        "[profile work]\nregion = eu-north-1\naws_access_key_id = A\naws_secret_access_key = b\n"
    )
    monkeypatch.setenv("AWS_PROFILE", "work")
    assert find_aws().region == "eu-north-1"


def test_the_emulator_is_given_nothing_of_the_users() -> None:
    emulated = AwsEnvironment.of_emulator(4580)
    assert emulated.variables["GATEWAY_BEDROCK_ENDPOINT"] == "http://127.0.0.1:4580"
    assert "AWS_PROFILE" in emulated.hidden
    assert "AWS_SESSION_TOKEN" in emulated.hidden
