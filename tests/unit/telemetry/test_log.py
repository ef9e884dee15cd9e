"""The log: one JSON object a line, and nothing that a client sent."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

import pytest

from app.core.usage import Usage
from app.ledger.record import BudgetState, RequestRecord
from app.telemetry.log import JsonFormatter, RequestLog, configure_logging
from tests.support.examples import account, record

RECORD = record(
    usage=Usage(1, 2, 3, 4, 5),
    cost=Decimal("0.0000001"),
    latency_seconds=1.23456,
    ttfb_seconds=0.5,
    agent="reviewer",
    tags=("ci",),
)
BUDGETS = tuple(BudgetState(one, Decimal(3), Decimal(0)) for one in (account(cap="4"), account()))
LEFT_OUT = {
    "usage",
    "started_at",
    "finished_at",
    "cost_parts",
    "uncached_cost",
    "attempts",
    "parameters",
    "content",
}
"""Logged under other names, or of no use in a line; content is never in it."""

RENAMED = {
    "counters": "budget_warnings",
    "cost": "cost_usd",
    "latency_seconds": "latency_ms",
    "ttfb_seconds": "ttfb_ms",
    "upstream_seconds": "upstream_ms",
}


def fail(known: dict[str, str], secret: str) -> None:
    try:
        known[secret]
    except KeyError as error:
        raise ValueError("the prompt said hush") from error


class Lines:
    """A logger of its own, and what it wrote."""

    def __init__(self) -> None:
        self._stream = io.StringIO()
        self.log = logging.Logger("tests")  # noqa: LOG001 - so that tests share none
        handler = logging.StreamHandler(self._stream)
        handler.setFormatter(JsonFormatter())
        self.log.addHandler(handler)

    @property
    def text(self) -> str:
        return self._stream.getvalue()

    def one(self) -> dict[str, Any]:
        (line,) = self.text.splitlines()
        found: dict[str, Any] = json.loads(line)
        return found


def test_a_line_says_when_how_grave_where_and_what() -> None:
    lines = Lines()

    lines.log.warning("spooled %s", 3, extra={"request_id": "req_1", "cost": Decimal("0.1")})

    line = lines.one()
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "WARNING",
        "logger": "tests",
        "message": "spooled 3",
        "request_id": "req_1",
        "cost": "0.1",
    }


@pytest.mark.parametrize("words", ["two\nlines", '"quoted"', "ünï\u2028\r", "\x00\x1b[31m"])
def test_no_text_makes_two_lines_of_one(words: str) -> None:
    lines = Lines()

    lines.log.info(words, extra={"client": words})

    assert (lines.one()["message"], lines.one()["client"]) == (words, words)


def test_an_exception_is_told_by_its_kind_and_places_but_not_its_words() -> None:
    lines = Lines()
    try:
        fail({}, "sk-secret")
    except ValueError:
        lines.log.exception("failed")

    line = lines.one()
    assert line["exception"] == "ValueError"
    assert any("test_log.py" in place for place in line["at"])
    assert "hush" not in lines.text
    assert "secret" not in lines.text


def test_an_exception_that_is_none_is_no_exception() -> None:
    lines = Lines()

    lines.log.error("failed", exc_info=(None, None, None))

    assert "exception" not in lines.one()


@pytest.fixture
def root_logger() -> Iterator[logging.Logger]:
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    yield root
    root.handlers[:], root.level = handlers, level


def test_everything_goes_to_standard_output(
    root_logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = io.StringIO()
    monkeypatch.setattr(sys, "stdout", output)

    configure_logging("WARNING")
    logging.getLogger("anything").info("quiet")
    logging.getLogger("anything").warning("loud")

    assert root_logger.level == logging.WARNING
    assert [json.loads(line)["message"] for line in output.getvalue().splitlines()] == ["loud"]


Captured = pytest.CaptureFixture[str]
Levels = pytest.LogCaptureFixture


def test_a_record_is_a_line_with_all_of_its_fields(capsys: Captured, caplog: Levels) -> None:
    caplog.set_level(logging.INFO)
    RequestLog().record([(RECORD, BUDGETS)])

    line = json.loads(capsys.readouterr().out)
    assert (line["level"], line["logger"]) == ("INFO", "gateway.request")
    assert line["message"] == "request"
    expected = {RENAMED.get(field.name, field.name) for field in fields(RequestRecord)} - LEFT_OUT
    assert expected <= line.keys()
    assert (line["cost_usd"], line["latency_ms"], line["ttfb_ms"]) == ("1E-7", 1234.6, 500.0)
    assert [line[field.name] for field in fields(Usage)] == [1, 2, 3, 4, 5]
    assert (line["tags"], line["budget_warnings"]) == (["ci"], ["key 0.75"])


def test_several_records_are_a_line_each(capsys: Captured, caplog: Levels) -> None:
    caplog.set_level(logging.INFO)
    RequestLog().record([(RECORD, ()), (replace(RECORD, agent="line\nbreak\u2028"), ())])

    agents = [json.loads(line)["agent"] for line in capsys.readouterr().out.splitlines()]
    assert agents == ["reviewer", "line\nbreak\u2028"]


def test_records_are_left_out_of_a_log_of_warnings(capsys: Captured, caplog: Levels) -> None:
    caplog.set_level(logging.WARNING)
    RequestLog().record([(RECORD, BUDGETS)])

    assert capsys.readouterr().out == ""


def test_a_record_without_a_first_byte_has_no_time_for_it(capsys: Captured, caplog: Levels) -> None:
    caplog.set_level(logging.INFO)
    RequestLog().record([(replace(RECORD, ttfb_seconds=None), ())])

    assert json.loads(capsys.readouterr().out)["ttfb_ms"] is None
