"""Where `scripts/users` gets the master key from."""

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.session import Session
from moto import mock_aws

from scripts.user_admin import credentials
from scripts.user_admin.errors import Misuse, NotAllowed

KEY = "sk-master-key-of-the-tests='x'"
LOCAL = f"""\
export GATEWAY_INTERNAL_URL=http://127.0.0.1:4101
export GATEWAY_MASTER_KEY={shlex.quote(KEY)}
"""


@pytest.fixture(autouse=True)
def nothing_local(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    file = tmp_path / "gateway.env"
    monkeypatch.setattr(credentials, "LOCAL_ENVIRONMENT", file)
    return file


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        yield


def keep(text: str) -> dict[str, str]:
    """The environment that names a secret with this text."""
    client = Session().create_client("secretsmanager")
    made = client.create_secret(Name="gateway/master-key", SecretString=text)
    return {"GATEWAY_MASTER_KEY_SECRET": made["ARN"]}


def test_the_environment_goes_before_all_else(aws: None) -> None:
    environment = {"GATEWAY_MASTER_KEY": KEY, "LITELLM_MASTER_KEY": "sk-other", **keep("sk-third")}

    assert credentials.master_key(environment) == KEY


@pytest.mark.parametrize(
    "text",
    [KEY, f"{KEY}\n", f'{{"master_key": "{KEY}"}}', f'{{"LITELLM_MASTER_KEY": "{KEY}", "x": 1}}'],
)
def test_a_secret_is_the_key_or_holds_it(aws: None, text: str) -> None:
    assert credentials.master_key(keep(text)) == KEY


@pytest.mark.parametrize("text", ['{"password": "hush"}', "[1]"])
def test_a_secret_without_a_key_is_said_so_and_not_shown(aws: None, text: str) -> None:
    with pytest.raises(NotAllowed, match="holds none of") as refused:
        credentials.master_key(keep(text))

    assert "hush" not in str(refused.value)


def test_a_secret_that_is_not_there_is_said_so(aws: None) -> None:
    with pytest.raises(NotAllowed, match="Secrets Manager does not give gone"):
        credentials.master_key({"GATEWAY_MASTER_KEY_SECRET": "gone"})


def test_without_aws_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")

    with pytest.raises(NotAllowed, match="region"):
        credentials.master_key({"GATEWAY_MASTER_KEY_SECRET": "gateway/master-key"})


def test_here_it_is_that_of_dev_up(nothing_local: Path) -> None:
    nothing_local.write_text(LOCAL)

    assert credentials.address({}) == "http://127.0.0.1:4101"
    assert credentials.master_key({}) == KEY


def test_a_gateway_elsewhere_never_gets_the_key_of_the_one_here(nothing_local: Path) -> None:
    nothing_local.write_text(LOCAL)

    with pytest.raises(Misuse, match="no key to administer with"):
        credentials.master_key({"GATEWAY_INTERNAL_URL": "https://gateway.internal"})


def test_with_nothing_at_all_the_gateway_is_the_local_one() -> None:
    assert credentials.address({}) == "http://127.0.0.1:4001"
    with pytest.raises(Misuse, match="GATEWAY_MASTER_KEY"):
        credentials.master_key({})
