"""Number fields of requests: every one has a range, and is checked before it is converted.

A JSON number of a few bytes can stand for billions of digits (`1e999999999`). Converting it to an
integer takes minutes, so its size is checked by its exponent first.
"""

import math
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

LARGEST: Final = 2**53

MOST_DIGITS: Final = 20
"""Of an amount, those before the decimal point and those after it."""

LONGEST_TEXT: Final = 100
"""Characters of a number that is sent as a string."""

ROUNDING: Final = Context(prec=2 * MOST_DIGITS, rounding=ROUND_HALF_EVEN)


def whole_number(value: Any) -> Any:
    """An integer from JSON or from a query parameter.

    Args:
        value: What was sent. Decimals are numbers with a decimal point or an exponent.

    Returns:
        An integer, or `value` itself if it is neither a number nor text: its type is for pydantic
        to refuse.

    Raises:
        ValueError: It is a boolean, has a fraction, or is too large.
    """
    if value is True or value is False:
        raise ValueError("must be a number, not true or false")
    if isinstance(value, str):
        return _short(value)
    if isinstance(value, float | Decimal):
        return _integer(value)
    return value


def _integer(value: float | Decimal) -> int:
    number = _finite(value)
    if number.adjusted() > MOST_DIGITS:
        raise ValueError(f"must be at most {LARGEST}")
    if number != number.to_integral_value():
        raise ValueError("must be an integer")
    return int(number)


def _finite(value: float | Decimal | int) -> Decimal:
    number = Decimal(value)
    if not number.is_finite():
        raise ValueError("must be a number that JSON knows: not NaN or Infinity")
    return number


def _short(text: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"must be a number of at most {LONGEST_TEXT} characters")
    return text


def rounded_to(places: int) -> BeforeValidator:
    """Round an amount half-even to `places` decimals, if it was sent with more of them: 0.1 + 0.2
    in floating point is 0.30000000000000004."""
    step = Decimal(1).scaleb(-places)

    def amount(value: Any) -> Any:
        if value is True or value is False:
            raise ValueError("must be a number, not true or false")
        if isinstance(value, str):
            value = _parsed(_short(value))
        if not isinstance(value, int | float | Decimal):
            return value
        number = _finite(value)
        if number.adjusted() >= MOST_DIGITS - places:
            raise ValueError(f"must have at most {MOST_DIGITS - places} digits before the point")
        exponent = number.as_tuple().exponent
        if isinstance(exponent, int) and exponent >= -places:
            return number
        rounded = number.quantize(step, context=ROUNDING)
        if number and not rounded:
            raise ValueError(f"must be 0 or at least {step:f}")
        return rounded

    return BeforeValidator(amount)


def _parsed(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"must be a number, not {text!r}") from error


Whole = BeforeValidator(whole_number)

Usd = Annotated[Decimal, Field(ge=0, max_digits=MOST_DIGITS, decimal_places=10), rounded_to(10)]
"""USD; digits past the tenth decimal are rounded."""

Cost = Annotated[
    Decimal, Field(ge=0, le=1, max_digits=MOST_DIGITS, decimal_places=18), rounded_to(18)
]
"""USD per token; digits past the eighteenth decimal are rounded."""

Count = Annotated[int, Field(ge=0, le=LARGEST), Whole]

PageNumber = Annotated[int, Field(ge=1, le=1_000_000), Whole]

PageSize = Annotated[int, Field(ge=1, le=500), Whole]


def parse_integer(digits: str) -> int | Decimal:
    """For `json.loads`: integers that Python refuses to convert become decimals, which the fields
    then refuse by name."""
    return int(digits) if len(digits) <= MOST_INTEGER_DIGITS else Decimal(digits)


MOST_INTEGER_DIGITS: Final = 4000
"""Python converts up to 4,300 by default (`sys.int_info`)."""


def as_float(value: float | Decimal) -> float:
    """For metadata. Raises ValueError where no float is near."""
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("a number that JSON does not have")
    return number
