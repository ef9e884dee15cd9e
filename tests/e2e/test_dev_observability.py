"""`./dev up --observability`: metrics and alerts of the local stack, without Docker."""

import json
import sys
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.observability.servers import require
from tests.support.dev import Dev
from tests.support.waiting import until

STARTING_ALL = pytest.mark.timeout(600)


def get(url: str, **parameters: str) -> Any:
    query = urllib.parse.urlencode(parameters)
    with urllib.request.urlopen(f"{url}?{query}", timeout=30) as response:
        return json.load(response)["data"]


@STARTING_ALL
async def test_the_local_gateway_is_scraped_and_the_platforms_alerts_are_evaluated(
    dev: Dev,
) -> None:
    require("victoria-metrics", "vmalert")
    done = dev.up("--observability")
    assert done.returncode == 0, done.stderr
    url = dev.sourced()["VICTORIA_METRICS_URL"]
    assert f"{url}/targets" in done.stdout

    def scraped() -> bool:
        up = get(f"{url}/api/v1/query", query="up == 1")["result"]
        return {one["metric"]["job"] for one in up} == {"gateway", "victoria-metrics", "vmalert"}

    await until(scraped)
    groups = get(f"{url}/vmalert/api/v1/rules")["groups"]
    alerts = {rule["name"] for group in groups for rule in group["rules"]}
    assert {"HighErrorRate", "GatewayDown"} <= alerts


@STARTING_ALL
def test_an_up_without_it_stops_the_observers_and_leaves_the_rest_alone(dev: Dev) -> None:
    require("victoria-metrics", "vmalert")
    dev.up("--observability")
    before = dev.table()
    assert dev.up("--observability").returncode == 0
    assert dev.table() == before

    assert dev.up().returncode == 0
    assert dev.table() == {
        name: row for name, row in before.items() if name in {"gateway", "emulator", "postgres"}
    }


@STARTING_ALL
def test_down_stops_the_observers_too(dev: Dev) -> None:
    require("victoria-metrics", "vmalert")
    dev.up("--observability")

    assert "vmalert, victoria-metrics, gateway" in dev("down").stdout
    assert {row[0] for row in dev.table().values()} == {"-"}


def test_without_the_programs_it_says_what_to_install_before_anything_starts(
    dev: Dev, tmp_path: Path
) -> None:
    (tmp_path / "python3").symlink_to(Path(sys.base_prefix, "bin", "python3"))
    dev.variables["PATH"] = str(tmp_path)
    done = dev.up("--observability")

    assert done.returncode == 1
    assert "apt-get install victoria-metrics" in done.stderr
    assert {row[0] for row in dev.table().values()} == {"-"}
