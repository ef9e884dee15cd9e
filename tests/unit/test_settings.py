"""Settings come from the environment, and say what is wrong with them."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from app.core.guardrail import Guardrail
from app.settings import Settings

NEEDED = {
    "DATABASE_URL": "postgresql://me:hush@db/gateway",
    "GATEWAY_MASTER_KEY": "sk-hush-hush-hush-hush",
    "GATEWAY_SPOOL_DIR": "/var/spool/gateway",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what a gateway cannot do without."""
    for field in Settings.model_fields:
        for name in Settings.variables(field):
            monkeypatch.delenv(name, raising=False)
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)


def test_few_settings_are_needed() -> None:
    settings = Settings()

    assert settings.database_url.get_secret_value() == NEEDED["DATABASE_URL"]
    assert settings.spool_dir == Path("/var/spool/gateway")
    assert settings.aws_region == "us-east-1"


@pytest.mark.parametrize("name", NEEDED)
def test_each_that_is_needed_is_missed_by_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(name)

    with pytest.raises(ValidationError) as refused:
        Settings()

    (problem,) = refused.value.errors()
    assert Settings.variables(str(problem["loc"][0]))[0] == name or name in problem["loc"]


@pytest.mark.parametrize(
    ("name", "value", "field", "expected"),
    [
        ("GATEWAY_PUBLIC_PORT", "0", "public_port", 0),
        ("AWS_REGION", "eu-north-1", "aws_region", "eu-north-1"),
        ("AWS_DEFAULT_REGION", "eu-north-1", "aws_region", "eu-north-1"),
        ("GATEWAY_GLOBAL_MAX_BUDGET", "0.1", "global_max_budget", Decimal("0.1")),
        ("GATEWAY_GLOBAL_BUDGET_DURATION", "30d", "global_budget_duration", "30d"),
        ("GATEWAY_PING_INTERVAL_SECONDS", "0.5", "ping_interval_seconds", 0.5),
        ("GATEWAY_MODEL_ALIASES", '{"fast": "claude-haiku-4-5"}', "model_aliases", ...),
        ("GATEWAY_BEDROCK_FAILOVER", "global, eu", "failover_profiles", ("global", "eu")),
        ("GATEWAY_GUARDRAIL", "abc123:DRAFT", "guardrail_for_all", Guardrail("abc123", "DRAFT")),
        ("GATEWAY_BUDGET_TIMEZONE", "Europe/Oslo", "budget_timezone", "Europe/Oslo"),
    ],
)
def test_a_setting_is_read_from_its_variable(
    name: str, value: str, field: str, expected: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)

    wanted = {"fast": "claude-haiku-4-5"} if expected is ... else expected
    assert getattr(Settings(), field) == wanted


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("GATEWAY_PUBLIC_PORT", "70000", "less than or equal to 65535"),
        ("GATEWAY_MASTER_KEY", "short", "at least 16"),
        ("GATEWAY_DATABASE_POOL_SIZE", "1", "greater than or equal to 2"),
        ("GATEWAY_GLOBAL_MAX_BUDGET", "-1", "greater than or equal to 0"),
        ("GATEWAY_GLOBAL_MAX_BUDGET", "NaN", "finite number"),
        ("GATEWAY_GLOBAL_BUDGET_DURATION", "fortnight", "use <n>s, <n>m"),
        ("GATEWAY_BUDGET_TIMEZONE", "Mars/Olympus", "no time zone is called 'Mars/Olympus'"),
        ("GATEWAY_BUDGET_TIMEZONE", "", "no time zone is called ''"),
        ("GATEWAY_BUDGET_TIMEZONE", "Europe", "no time zone is called 'Europe'"),
        ("GATEWAY_BUDGET_TIMEZONE", "../secret", "no time zone is called '../secret'"),
        ("GATEWAY_BEDROCK_ENDPOINT", "bedrock", "valid URL"),
        ("GATEWAY_GUARDRAIL", "abc123", "<id>:<version>"),
        ("GATEWAY_GUARDRAIL", "", "<id>:<version>"),
        ("GATEWAY_LOG_LEVEL", "LOUD", "pattern"),
        ("GATEWAY_PING_INTERVAL_SECONDS", "0", "greater than 0"),
    ],
)
def test_a_value_that_does_not_fit_says_why(
    name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(ValidationError) as refused:
        Settings()

    assert said in refused.value.errors()[0]["msg"]


def test_secrets_are_not_shown() -> None:
    settings = Settings()

    assert "hush" not in repr(settings)
    assert "hush" not in str(settings.model_dump())


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        Settings().public_port = 1  # type: ignore[misc] # that is the point


def test_each_setting_is_described() -> None:
    assert [n for n, field in Settings.model_fields.items() if not field.description] == []


@pytest.mark.parametrize(
    ("field", "variable"),
    [
        ("database_url", "DATABASE_URL"),
        ("aws_region", "AWS_REGION"),
        ("master_key", "GATEWAY_MASTER_KEY"),
    ],
)
def test_the_usual_name_of_a_variable_comes_first(field: str, variable: str) -> None:
    assert Settings.variables(field)[0] == variable
