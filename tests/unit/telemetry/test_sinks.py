"""What is told of requests: a moment later, and never too late."""

import logging

import pytest

from app.ledger.record import RequestRecord
from app.telemetry.metrics import Metrics
from app.telemetry.sinks import Sinks
from tests.support.examples import record
from tests.support.waiting import until

Captured = pytest.CaptureFixture[str]


class Traces:
    """Keeps what it is told, and cannot bear what has no user."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.closed = False

    def record(self, record: RequestRecord) -> None:
        if record.user_id is None:
            raise ValueError("nobody")
        self.told.append(record.request_id)

    def close(self) -> None:
        self.closed = True


@pytest.fixture(autouse=True)
def informed(caplog: pytest.LogCaptureFixture) -> None:
    """The log has what is of interest, not warnings alone."""
    caplog.set_level(logging.INFO)


def requests(page: bytes) -> float:
    lines = page.decode().splitlines()
    counted = [line for line in lines if line.startswith("gateway_requests_total{")]
    return sum(float(line.rpartition(" ")[2]) for line in counted)


async def test_the_answer_of_a_request_does_not_wait_for_its_line(
    capsys: Captured,
) -> None:
    telemetry = Sinks(Metrics())
    telemetry.record(record())
    at_once = capsys.readouterr().out
    await until(lambda: capsys.readouterr().out)

    assert at_once == ""


async def test_a_scrape_counts_the_request_before_it(
    capsys: Captured,
) -> None:
    telemetry = Sinks(Metrics())
    telemetry.record(record())

    assert requests(await telemetry.exposition()) == 1
    assert len(capsys.readouterr().out.splitlines()) == 1


async def test_the_last_request_is_told_of_before_the_end(
    capsys: Captured,
) -> None:
    traces = Traces()
    telemetry = Sinks(Metrics(), traces)
    telemetry.record(record())
    await telemetry.close()

    assert len(traces.told) == len(capsys.readouterr().out.splitlines()) == 1
    assert traces.closed


async def test_a_request_that_cannot_be_told_of_takes_no_other_with_it(
    capsys: Captured, caplog: pytest.LogCaptureFixture
) -> None:
    traces = Traces()
    telemetry = Sinks(Metrics(), traces)
    for user in ("ada", None, "grace"):
        telemetry.record(record(user_id=user))
    await telemetry.close()

    assert len(traces.told) == 2
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
