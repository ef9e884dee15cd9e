"""Lists of users and keys: which, in what order, and how many of them at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

Record = TypeVar("Record")

Order = Literal["asc", "desc"]


@dataclass(frozen=True, slots=True)
class Page(Generic[Record]):
    """Some of `total` records."""

    records: Sequence[Record]
    total: int


@dataclass(frozen=True, slots=True)
class Cut:
    """Which part of a list; `spend` as an order is that of all time."""

    order_by: str
    order: Order = "asc"
    limit: int = 100
    offset: int = 0
