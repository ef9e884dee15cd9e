"""docs/cost.md says what the plans cost, and poc stays as cheap as it is meant to be."""

import json

import pytest

from scripts import cost
from tests.infra.support import cost_page
from tests.infra.support.deployment import Deployment
from tests.infra.support.terraform import Terraform, copy_infra

Bills = dict[str, list[cost.Line]]


@pytest.fixture(scope="module")
def bills(terraform: Terraform, tmp_path_factory: pytest.TempPathFactory) -> Bills:
    return cost_page.bills(terraform, copy_infra(tmp_path_factory.mktemp("cost")))


def test_the_page_shows_what_the_plans_cost(bills: Bills) -> None:
    assert cost_page.PAGE.read_text() == cost_page.written(bills), (
        "run python -m tests.infra.support.cost_page"
    )


def test_poc_costs_about_what_the_predecessor_did(bills: Bills) -> None:
    assert 60 <= cost.total(bills["poc"]) <= 80


def test_the_price_of_an_own_langfuse_is_told(bills: Bills) -> None:
    names = {line.what for line in bills["langfuse"]}

    assert {"clickhouse", "langfuse-web", "langfuse-worker", "valkey"} <= names
    assert cost.total(bills["langfuse"]) > 50


def test_nothing_in_a_plan_is_forgotten(environment: Deployment) -> None:
    assert cost.bill(environment.name, environment.plan).unpriced() == set()


def test_prices_say_of_which_day_they_are() -> None:
    prices = json.loads(cost.PRICES.read_text())

    assert prices["date"] >= "2026-11-23"
    assert set(prices["regions"]["us-east-1"]) == set(prices["regions"]["us-west-1"])
