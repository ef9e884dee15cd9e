"""A guardrail is named as `id:version`."""

from datetime import date
from decimal import Decimal

import pytest

from app.catalog.catalog import load_catalog
from app.core.guardrail import Guardrail, GuardrailUnits
from app.core.usage import Usage
from app.identity.policy import Caller
from tests.support.examples import key, user

ARN = "arn:aws:bedrock:eu-west-1:123456789012:guardrail/abc123"
OWN, SHARED = Guardrail("own", "1"), Guardrail("shared", "2")


@pytest.mark.parametrize(
    ("text", "id_", "version"),
    [
        ("abc123:1", "abc123", "1"),
        ("abc123:DRAFT", "abc123", "DRAFT"),
        (f"{ARN}:12", ARN, "12"),
        (f"{ARN.replace('aws', 'aws-us-gov')}:3", ARN.replace("aws", "aws-us-gov"), "3"),
    ],
)
def test_the_version_comes_after_the_last_colon(text: str, id_: str, version: str) -> None:
    guardrail = Guardrail.parse(text)

    assert guardrail == Guardrail(id_, version)
    assert str(guardrail) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abc123",
        "abc123:",
        ":1",
        "abc123:0",
        "abc123:draft",
        "abc123:1.0",
        "abc123:123456789",
        "ABC:1",
        "abc 123:1",
        "abc123:1\n",
        "abc123:1\r\nx-evil: 1",
        "äbc:1",
        "abc:123:1",
        ARN,
        f"{ARN}:",
        f"{ARN.replace('guardrail', 'model')}:1",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="<id>:<version>"):
        Guardrail.parse(text)


@pytest.mark.parametrize(
    ("of_key", "of_user", "used"),
    [(OWN, SHARED, OWN), (None, SHARED, SHARED), (OWN, None, OWN), (None, None, None)],
)
def test_a_key_s_guardrail_goes_before_its_user_s(
    of_key: Guardrail | None, of_user: Guardrail | None, used: Guardrail | None
) -> None:
    assert Caller(key(guardrail=of_key), user(guardrail=of_user)).guardrail == used
    assert Caller(key(guardrail=of_key), None).guardrail == of_key


TODAY = date(2026, 11, 23)
HAIKU = load_catalog(region="us-east-1", profile=None).resolve("claude-haiku-4-5")
USAGE = Usage(input_tokens=100, output_tokens=10)


def test_a_thousand_units_cost_the_price_of_their_policy() -> None:
    units = GuardrailUnits(content=1000, topic=2000, sensitive=1000, grounding=1)

    cost = HAIKU.cost(USAGE, TODAY, units)

    assert cost.guardrail == Decimal("0.15") + Decimal("0.30") + Decimal("0.10") + Decimal("0.0001")


def test_it_is_part_of_the_total_and_no_tenth_is_added_for_a_regional_profile() -> None:
    without, units = HAIKU.cost(USAGE, TODAY), GuardrailUnits(content=2)

    assert HAIKU.cost(USAGE, TODAY, units).total == without.total + Decimal("0.0003")


def test_without_a_guardrail_it_is_nothing() -> None:
    assert HAIKU.cost(USAGE, TODAY).guardrail == 0
