"""Credentials are found in the usual places, and looked for again when AWS refuses them."""

import asyncio
from pathlib import Path

import pytest

from app.bedrock.credentials import CredentialSource
from app.errors import UpstreamFailed


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
        await CredentialSource().frozen()


async def test_credentials_that_were_replaced_are_found_after_a_refusal(tmp_path: Path) -> None:
    source = CredentialSource()
    write(tmp_path, "OLD")
    old = await source.frozen()
    write(tmp_path, "NEW")
    assert (await source.frozen()).access_key == "OLD"

    assert await source.renew(old)
    assert (await source.frozen()).access_key == "NEW"


async def test_a_refusal_of_the_only_credentials_finds_no_others(tmp_path: Path) -> None:
    source = CredentialSource()
    write(tmp_path, "ONLY")

    assert not await source.renew(await source.frozen())


async def test_calls_that_are_refused_together_renew_once(tmp_path: Path) -> None:
    source = CredentialSource()
    write(tmp_path, "OLD")
    old = await source.frozen()
    write(tmp_path, "NEW")

    assert await asyncio.gather(*(source.renew(old) for _ in range(5))) == [True] * 5
