"""`cost`."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from ops.commands.cost import estimated
from ops.result import Level
from tests.ops.support.fake_client import FakeService
from tests.ops.support.world import World, notes, rows


class FakeCostExplorer(FakeService):
    """Groups of one service a page; `tagged` where the question has a filter."""

    service = "ce"

    def __init__(self) -> None:
        super().__init__()
        self.tagged: dict[str, str] = {}
        self.account: dict[str, str] = {}

    def get_cost_and_usage(self, **asked: Any) -> Mapping[str, Any]:
        costs = list((self.tagged if "Filter" in asked else self.account).items())
        start = int(asked.get("NextPageToken", 0))
        groups = [
            {"Keys": [name], "Metrics": {"UnblendedCost": {"Amount": usd, "Unit": "USD"}}}
            for name, usd in costs[start : start + 1]
        ]
        more = {"NextPageToken": str(start + 1)} if start + 1 < len(costs) else {}
        return {"ResultsByTime": [{"Groups": groups, "Total": {}, "Estimated": True}], **more}


@pytest.fixture
def bill(world: World) -> FakeCostExplorer:
    made = FakeCostExplorer()
    made.tagged = {"Amazon Elastic Container Service": "25.5", "Amazon RDS": "30.25"}
    made.account = {"Amazon RDS": "31", "Claude Haiku 4.5 (Amazon Bedrock Edition)": "12.125"}
    world.fakes["ce"] = made
    return made


def test_the_month_so_far_is_shown_by_service(world: World, bill: FakeCostExplorer) -> None:
    result = world.run("cost")

    assert [(row["service"], row["USD"]) for row in rows(result, "Bill by AWS service")] == [
        ("Amazon RDS", Decimal("30.25")),
        ("Amazon Elastic Container Service", Decimal("25.5")),
    ]
    assert rows(result, "Models, of the whole account")[0]["USD"] == Decimal("12.125")


def test_it_asks_for_this_environment_from_the_first_of_the_month(
    world: World, bill: FakeCostExplorer
) -> None:
    world.run("cost")

    asked = bill.asked("get_cost_and_usage")[0]
    assert asked["TimePeriod"] == {"Start": "2026-11-01", "End": "2026-11-24"}
    tags = [one["Tags"] for one in asked["Filter"]["And"]]
    assert tags == [
        {"Key": "project", "Values": ["stargate"]},
        {"Key": "environment", "Values": ["poc"]},
    ]


def test_a_bill_far_from_the_estimate_is_pointed_out(world: World, bill: FakeCostExplorer) -> None:
    bill.tagged = {"Amazon RDS": "300"}

    (warning,) = notes(world.run("cost"), Level.WARNING)

    assert "USD more are billed than expected" in warning


def test_one_near_it_is_not(world: World, bill: FakeCostExplorer) -> None:
    assert notes(world.run("cost"), Level.WARNING) == []


def test_a_bill_without_tags_says_what_to_look_at(world: World, bill: FakeCostExplorer) -> None:
    bill.tagged = {}

    assert any("cost allocation tags" in one for one in notes(world.run("cost")))


@pytest.mark.parametrize("environment", ["poc", "prod"])
def test_the_estimate_is_that_of_the_page(environment: str) -> None:
    estimate = estimated(environment)

    assert estimate is not None
    assert estimate > 10
