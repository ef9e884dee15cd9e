"""Numbers in admin requests: bounded before they are converted, rounded where they may be."""

import json
import time
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from app.web.numbers import Cost, Count, PageNumber, Usd, parse_integer


class Fields(BaseModel):
    count: Count | None = None
    page: PageNumber | None = None
    usd: Usd | None = None
    cost: Cost | None = None


def read(field: str, number: str) -> Any:
    body = json.loads(f'{{"{field}": {number}}}', parse_float=Decimal, parse_int=parse_integer)
    return getattr(Fields.model_validate(body), field)


ENORMOUS = (
    "1e999999999", "-1e999999999", "1e3000000", "9" * 4_001, "9" * 900_000, "-" + "9" * 5_000,
    "0." + "3" * 900_000 + "e999999", '"1e999999999"', '"' + "9" * 100_000 + '"', "NaN",
    "Infinity", "-Infinity",
)  # fmt: skip


@pytest.mark.parametrize("field", list(Fields.model_fields))
@pytest.mark.parametrize("number", ENORMOUS, ids=lambda number: number[:12])
def test_a_number_beyond_its_range_is_refused_at_once(field: str, number: str) -> None:
    started = time.process_time()

    with pytest.raises(ValidationError) as refused:
        read(field, number)

    assert refused.value.errors()[0]["loc"] == (field,)
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize("field", list(Fields.model_fields))
@pytest.mark.parametrize("value", ["true", "false"])
def test_a_boolean_is_no_number(field: str, value: str) -> None:
    with pytest.raises(ValidationError, match="not true or false"):
        read(field, value)


@pytest.mark.parametrize(
    ("number", "count"), [("60", 60), ("60.0", 60), ("6e1", 60), ('"60"', 60), ("0", 0)]
)
def test_a_whole_number_may_be_written_in_any_way(number: str, count: int) -> None:
    assert read("count", number) == count


@pytest.mark.parametrize("number", ["0.5", "1e-999999999", "-1", '"x"', "9007199254740993", "[]"])
def test_what_is_no_count_is_refused(number: str) -> None:
    with pytest.raises(ValidationError):
        read("count", number)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("33.333333333333336", "33.3333333333"),
        ("0.30000000000000004", "0.3000000000"),
        ("0.00000000015", "0.0000000002"),
        ('"0.30000000000000004"', "0.3000000000"),
        ("0.00000000025", "0.0000000002"),
        ("12.50", "12.50"),
        ("5e3", "5000"),
        ("9999999999.9999999999", "9999999999.9999999999"),
    ],
)
def test_an_amount_is_rounded_half_even_to_ten_decimals(sent: str, kept: str) -> None:
    assert read("usd", sent) == Decimal(kept)


@pytest.mark.parametrize(
    "sent", ["9999999999.99999999999", "10000000000", "-0.01", "1e-11", "1e-999999999"]
)
def test_an_amount_that_does_not_fit_or_is_rounded_to_nothing_is_refused(sent: str) -> None:
    with pytest.raises(ValidationError):
        read("usd", sent)


def test_a_cost_per_token_keeps_eighteen_decimals() -> None:
    assert read("cost", "0.0000033000000000000001") == Decimal("0.0000033")
