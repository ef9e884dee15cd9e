"""Dashboards are what their builder says, whole, and made of what Grafana is given."""

import re
from itertools import combinations
from typing import Any

import pytest
import yaml

from infra.grafana.source.__main__ import ALL, file, text
from infra.grafana.source.page import Dashboard
from tests.observability.files import DASHBOARDS, INFRA, dashboards, panels

PROVISIONING = INFRA / "grafana" / "provisioning"
UNITS = {
    "bytes", "currencyUSD", "h", "iops", "ops", "percent", "percentunit", "reqps", "s", "short",
}  # fmt: skip
BUILT_IN = {"__rate_interval", "__range", "__value"}

each = pytest.mark.parametrize("dashboard", dashboards().values(), ids=dashboards().keys())


@pytest.mark.parametrize("built", ALL, ids=lambda one: one.uid)
def test_a_file_is_what_the_builder_writes(built: Dashboard) -> None:
    assert file(built).read_text() == text(built), "run python -m infra.grafana.source"


def test_there_is_no_file_that_nobody_writes() -> None:
    assert set(DASHBOARDS) == {file(built) for built in ALL}
    assert len({built.uid for built in ALL}) == len(ALL) == 5


@each
def test_a_panel_says_what_it_shows_and_in_which_unit(dashboard: dict[str, Any]) -> None:
    for panel in panels(dashboard):
        if panel["type"] != "text":
            assert panel["title"]
            assert panel["description"].endswith("."), panel["title"]
            assert panel["fieldConfig"]["defaults"]["unit"] in UNITS, panel["title"]
            assert panel["targets"], panel["title"]


@each
def test_panels_lie_side_by_side_within_the_page(dashboard: dict[str, Any]) -> None:
    places = [panel["gridPos"] for panel in dashboard["panels"]]

    assert all(place["x"] + place["w"] <= 24 and place["w"] >= 2 for place in places)
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below, (one, other)
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)


@each
def test_every_variable_that_is_used_is_there_and_every_one_there_is_used(
    dashboard: dict[str, Any],
) -> None:
    variables = {one["name"] for one in dashboard["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", str(dashboard["panels"]))) - {"PROP"} - BUILT_IN

    assert used == variables


@each
def test_data_comes_from_the_sources_that_are_provisioned(dashboard: dict[str, Any]) -> None:
    provisioned = {
        source["uid"]: source["type"]
        for source in yaml.safe_load((PROVISIONING / "datasources/stargate.yml").read_text())[
            "datasources"
        ]
    }
    chosen = {
        one["name"]: one for one in dashboard["templating"]["list"] if one["type"] == "datasource"
    }

    for one in chosen.values():
        assert provisioned[one["current"]["value"]] == one["query"]
    for panel in panels(dashboard):
        for target in panel.get("targets", []):
            source = target["datasource"]
            assert chosen[source["uid"].strip("${}")]["query"] == source["type"]


def test_a_users_row_leads_to_the_users_traces() -> None:
    (links,) = [
        one["value"]
        for panel in panels(dashboards()["llm-usage"])
        for override in panel.get("fieldConfig", {}).get("overrides", [])
        if override["matcher"]["options"] == "user"
        for one in override["properties"]
        if one["id"] == "links"
    ]

    assert links[0]["url"] == ("${langfuse}/project/${project}/users/${__value.raw:percentencode}")


def test_what_provisioning_wants_from_the_environment_is_given_to_it_everywhere() -> None:
    wanted = set()
    for page in PROVISIONING.rglob("*.yml"):
        wanted |= set(re.findall(r"\$\{(\w+)\}", page.read_text()))
    stack = yaml.safe_load((INFRA / "docker-compose.yml").read_text())
    platform = (INFRA / "terraform/modules/platform/environment.tf").read_text()

    assert wanted
    assert wanted <= set(stack["services"]["grafana"]["environment"])
    for name in wanted:
        assert re.search(rf"^ +{name} +=", platform, re.MULTILINE), name


def test_the_image_holds_both_folders() -> None:
    lines = (INFRA / "grafana" / "Dockerfile").read_text()
    (provider,) = yaml.safe_load((PROVISIONING / "dashboards/stargate.yml").read_text())[
        "providers"
    ]

    assert f"COPY dashboards {provider['options']['path']}\n" in lines
    assert "COPY provisioning /etc/grafana/provisioning\n" in lines
    (home,) = re.findall(r"HOME_DASHBOARD_PATH=\S+/([\w-]+\.json)", lines)
    assert home in {page.name for page in DASHBOARDS}
