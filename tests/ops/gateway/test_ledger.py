"""`gateway ledger`."""

from datetime import UTC, datetime, timedelta

import pytest

from ops.exits import Exit
from ops.result import Level
from tests.ops.support.world import World, notes, rows
from tests.support.stack import Stack

YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).date()
FOUND = '[{"what": "summary", "scope": "key", "id": "k1", "logged": "1.5", "counted": "2.25"}]'


@pytest.fixture
def checked(world: World, own_stack: Stack) -> Stack:
    world.environ["GATEWAY_INTERNAL_URL"] = own_stack.gateway.internal_url
    return own_stack


def day(stack: Stack, findings: str) -> None:
    stack.execute("DELETE FROM spend_day_status")
    stack.execute(
        "INSERT INTO spend_day_status (day, stale, checked_at, differences) "
        f"VALUES ('{YESTERDAY}', false, now(), '{findings}')"
    )


def test_sums_that_agree_are_told_as_such(world: World, checked: Stack) -> None:
    day(checked, "[]")

    result = world.run("gateway", "ledger", "--check")

    assert [row["found"] for row in rows(result, "Days")] == [0]
    assert notes(result) == ["All sums that were checked agree with the log of requests."]
    assert result.exit is Exit.OK


def test_a_difference_is_shown_with_both_sums(world: World, checked: Stack) -> None:
    day(checked, FOUND)

    result = world.run("gateway", "ledger", "--check")

    (difference,) = rows(result, "Differences")
    assert (difference["account"], difference["of"], difference["id"]) == ("summary", "key", "k1")
    assert [f"{difference[name]:.2f}" for name in ("logged USD", "counted USD")] == ["1.50", "2.25"]
    assert notes(result, Level.ERROR) == ["1 sums differ from the log of requests."]
    assert result.exit is Exit.FAILED
