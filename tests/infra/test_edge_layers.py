"""Three doors in a row: CloudFront's function, the edge listener, and a real gateway behind them.

nginx stands for CloudFront and the load balancer: it runs the function of the plan with njs, and
forwards by the listener's rules of the plan. What it does not prove: how CloudFront and the load
balancer themselves read a request line. Whoever attacks here holds the master key.
"""

import re
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.infra.support import layers, paths
from tests.infra.support.deployment import Deployment
from tests.infra.support.layers import Layers, send
from tests.infra.support.paths import Attempt
from tests.support.processes import MASTER_KEY
from tests.support.stack import Stack

MASTER = {"authorization": f"Bearer {MASTER_KEY}", "content-type": "application/json"}


@pytest.fixture(scope="module")
def doors(
    _shared_stack: Stack, poc: Deployment, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Layers]:
    if not layers.available():
        pytest.skip("nginx with njs is not installed: apt-get install nginx libnginx-mod-http-js")
    folder = tmp_path_factory.mktemp("nginx")
    with layers.in_front_of(_shared_stack.gateway.public_url, poc, folder) as found:
        yield found


def status(address: str, attempt: Attempt) -> int:
    headers = {**MASTER, **dict(attempt.headers)}
    return send(address, attempt.target, attempt.method, headers).status


def written(stack: Stack) -> list[dict[str, object]]:
    """How much administration there has been."""
    return stack.query(
        "SELECT (SELECT count(*) FROM gateway_user) AS users, "
        "(SELECT count(*) FROM api_key) AS keys, (SELECT count(*) FROM beta_rule) AS rules"
    )


def test_no_attempt_gets_through_and_two_doors_refuse_each(doors: Layers, stack: Stack) -> None:
    before = written(stack)
    kinds: Counter[str] = Counter()
    for attempt in paths.attempts():
        refused = {
            # nginx itself refuses what is no request line at all, as CloudFront does.
            "function": status(doors.cloudfront, attempt) in (400, 403),
            "listener": status(doors.listener, attempt) == 403,
            "gateway": status(doors.gateway, attempt) in (400, 404, 405),
        }
        assert refused["function"], attempt
        assert sum(refused.values()) >= 2, (attempt, refused)
        kinds[attempt.kind] += 1

    assert kinds.total() >= 300
    assert len(kinds) >= 15
    assert written(stack) == before


def test_the_master_key_opens_the_internal_port_with_the_same_request(stack: Stack) -> None:
    internal = stack.gateway.internal_url.removeprefix("http://")

    assert send(internal, "/openapi.json", headers=MASTER).status == 200


@pytest.mark.parametrize("path", [one for one in paths.LEGITIMATE if "grafana" not in one])
def test_a_public_path_is_answered_as_if_there_were_no_doors(
    doors: Layers, stack: Stack, path: str
) -> None:
    key = {"authorization": f"Bearer {stack.gateway.new_key()}"}

    through, direct = (send(one, path, headers=key) for one in (doors.cloudfront, doors.gateway))

    assert through.status == direct.status != 403
    assert through.headers["content-type"] == direct.headers["content-type"]
    assert len(through.body) == len(direct.body)


@pytest.mark.parametrize("path", ["/grafana", "/grafana/", "/grafana/d/llm-usage"])
def test_dashboards_are_reached(doors: Layers, path: str) -> None:
    answer = send(doors.cloudfront, path)

    assert (answer.status, answer.body) == (200, b"grafana")


def test_a_call_passes_with_its_body_and_its_query(doors: Layers, stack: Stack) -> None:
    key = {"x-api-key": stack.gateway.new_key(), "content-type": "application/json"}

    answer = send(doors.cloudfront, "/v1/messages?beta=true", "POST", key)

    assert answer.status == 400
    assert b"model" in answer.body


def test_every_path_of_the_gateway_is_public_or_known_as_administration(
    doors: Layers, stack: Stack
) -> None:
    for path in stack.gateway.admin("GET", "/openapi.json")["paths"]:
        answer = send(doors.cloudfront, re.sub(r"\{[^}]*\}", "x", path))
        named = b"Admin endpoints not accessible via CloudFront" in answer.body
        assert answer.status != 403 or named, f"{path}: see modules/edge/paths.tf"


def test_administration_gets_the_sentence_that_says_why(doors: Layers) -> None:
    answer = send(doors.cloudfront, "/user/new", "POST", MASTER)

    assert answer.status == 403
    assert answer.headers["content-type"] == "application/json"
    assert b"Admin endpoints not accessible via CloudFront" in answer.body
