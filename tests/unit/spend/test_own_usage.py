"""Usage reports of many clients: shared by key, and read one at a time."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from app.core.ids import KeyId
from app.errors import DatabaseUnavailable
from app.identity.policy import Caller
from app.spend import reports as own_usage
from app.spend.reports import OwnUsages, Reports
from tests.support.examples import caller
from tests.support.fakes import FakeTime


@dataclass
class SlowReports:
    """Answers when it is let; counts what it is asked, and how much of it at one time."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[KeyId] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    failure: Exception | None = None

    async def own(self, who: Caller) -> Any:
        self.asked.append(who.key.id)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await self.gate.wait()
        self.at_once -= 1
        if self.failure is not None:
            raise self.failure
        return f"usage {len(self.asked)} of {who.key.id}"


def usages(reports: SlowReports, time: FakeTime) -> Any:
    return OwnUsages(cast("Reports", reports), time.clock.monotonic)


def holder(name: str) -> Caller:
    return caller(id=KeyId(name))


async def test_a_hundred_clients_of_one_key_are_answered_by_one_reading() -> None:
    reports = SlowReports()
    use = usages(reports, FakeTime())
    waiting = [asyncio.create_task(use.of(holder("a"))) for _ in range(100)]
    await asyncio.sleep(0)
    reports.gate.set()

    assert set(await asyncio.gather(*waiting)) == {"usage 1 of a"}
    assert reports.asked == ["a"]


async def test_the_next_reading_of_a_key_waits_and_is_shared_by_all_who_came_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(own_usage, "SECONDS_BETWEEN", 0.05)
    reports, time = SlowReports(), FakeTime()
    reports.gate.set()
    use = usages(reports, time)

    assert await use.of(holder("a")) == "usage 1 of a"
    waiting = [asyncio.create_task(use.of(holder("a"))) for _ in range(100)]
    await asyncio.sleep(0)
    assert reports.asked == ["a"]  # not yet: nobody gets what was read before they asked

    assert set(await asyncio.gather(*waiting)) == {"usage 2 of a"}
    time.advance(1)
    assert await use.of(holder("a")) == "usage 3 of a"


async def test_keys_are_read_one_after_the_other_in_their_order() -> None:
    reports = SlowReports()
    use = usages(reports, FakeTime())
    waiting = [asyncio.create_task(use.of(holder(name))) for name in "abcaab"]
    await asyncio.sleep(0)
    reports.gate.set()
    await asyncio.gather(*waiting)

    assert reports.asked == ["a", "b", "c"]
    assert reports.most_at_once == 1


async def test_a_client_that_goes_away_ends_nobody_elses_reading() -> None:
    reports = SlowReports()
    use = usages(reports, FakeTime())
    gone, stays = (asyncio.create_task(use.of(holder("a"))) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    reports.gate.set()

    assert str(await stays) == "usage 1 of a"


async def test_a_failure_is_told_to_those_who_waited_and_is_not_kept() -> None:
    reports = SlowReports(failure=DatabaseUnavailable("away"))
    reports.gate.set()
    use = usages(reports, FakeTime())
    failed = await asyncio.gather(*(use.of(holder("a")) for _ in range(2)), return_exceptions=True)
    reports.failure = None

    assert [str(one) for one in failed] == ["away", "away"]
    assert str(await use.of(holder("a"))) == "usage 2 of a"


async def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_usage, "LONGEST_WAIT_SECONDS", 0.01)
    reports = SlowReports()
    use = usages(reports, FakeTime())
    first = asyncio.create_task(use.of(holder("a")))
    await asyncio.sleep(0)

    with pytest.raises(DatabaseUnavailable, match="Too many usage reports"):
        await use.of(holder("b"))

    reports.gate.set()
    assert str(await first) == "usage 1 of a"
