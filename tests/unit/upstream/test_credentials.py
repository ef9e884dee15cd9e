"""Credentials are found in the usual places, and looked for again when AWS refuses them."""

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import botocore.session
import pytest
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import CredentialRetrievalError

from app.errors import UpstreamFailed
from app.upstream.aws import AwsCredentials


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))


def write(directory: Path, key: str) -> None:
    (directory / "credentials").write_text(
        f"[default]\naws_access_key_id = {key}\naws_secret_access_key = secret\n"
    )


async def test_without_credentials_the_operator_is_named_not_the_user() -> None:
    with pytest.raises(UpstreamFailed, match="operator must set them"):
        await AwsCredentials().frozen()


async def test_credentials_that_were_replaced_are_found_after_a_refusal(tmp_path: Path) -> None:
    source = AwsCredentials()
    write(tmp_path, "OLD")
    old = await source.frozen()
    write(tmp_path, "NEW")
    assert (await source.frozen()).access_key == "OLD"

    assert await source.renew(old)
    assert (await source.frozen()).access_key == "NEW"


async def test_a_refusal_of_the_only_credentials_finds_no_others(tmp_path: Path) -> None:
    source = AwsCredentials()
    write(tmp_path, "ONLY")

    assert not await source.renew(await source.frozen())


async def test_calls_that_are_refused_together_renew_once(tmp_path: Path) -> None:
    source = AwsCredentials()
    write(tmp_path, "OLD")
    old = await source.frozen()
    write(tmp_path, "NEW")

    assert await asyncio.gather(*(source.renew(old) for _ in range(5))) == [True] * 5


class Renewable(RefreshableCredentials):  # type: ignore[misc]
    """Credentials with so many seconds left, whose source can fail."""

    def __init__(self, seconds: float, renew: Callable[[], dict[str, str]]) -> None:
        end = datetime.now(UTC) + timedelta(seconds=seconds)
        super().__init__("OLD", "secret", "token", end, renew, "test")


def source_of(credentials: Renewable, monkeypatch: pytest.MonkeyPatch) -> AwsCredentials:
    session = SimpleNamespace(get_credentials=lambda: credentials)
    monkeypatch.setattr(botocore.session, "get_session", lambda: session)
    return AwsCredentials()


async def test_a_source_that_fails_holds_nobody_up_while_the_present_ones_are_good(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    go, asked = threading.Event(), threading.Event()

    def fail() -> dict[str, str]:
        asked.set()
        go.wait(10)
        raise CredentialRetrievalError(provider="test", error_msg="away")

    renewable = Renewable(3600, fail)
    source = source_of(renewable, monkeypatch)
    await source.frozen()
    renewable._expiry_time = datetime.now(UTC) + timedelta(seconds=300)

    assert [(await source.frozen()).access_key for _ in range(3)] == ["OLD"] * 3
    assert await asyncio.to_thread(asked.wait, 10)
    go.set()


async def test_those_who_wait_for_credentials_wait_for_the_same_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks: list[int] = []

    def fail() -> dict[str, str]:
        looks.append(1)
        raise CredentialRetrievalError(provider="test", error_msg="away")

    source = source_of(Renewable(10, fail), monkeypatch)

    failed = await asyncio.gather(*(source.frozen() for _ in range(20)), return_exceptions=True)

    assert {type(error) for error in failed} == {UpstreamFailed}
    assert len(looks) == 1
