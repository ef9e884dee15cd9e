"""How much of a test is run: little in `./dev test`, all of it every night."""

import os
from typing import TypeVar

LONG = "STARGATE_LONG"
Amount = TypeVar("Amount", int, float)


def length(short: Amount, long: Amount) -> Amount:
    """The long form where the environment asks for it: `.ci/nightly`."""
    return long if os.environ.get(LONG) else short
