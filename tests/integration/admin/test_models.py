"""`/model/*`: models, names, prices and limits of the operator's own."""

from decimal import Decimal
from typing import Any

import httpx
import orjson
import pytest

from tests.support.asking import may_use, message, models_for
from tests.support.processes import MASTER_KEY
from tests.support.stack import Stack

HAIKU = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
OWN = {
    "input_cost_per_token": 2.5e-06,
    "output_cost_per_token": 1.25e-05,
    "cache_creation_input_token_cost": 3e-06,
    "cache_read_input_token_cost": 2.5e-07,
}


def add(stack: Stack, name: str, model: str, **fields: Any) -> dict[str, Any]:
    info = fields.pop("model_info", {})
    return stack.gateway.admin(
        "POST",
        "/model/new",
        model_name=name,
        litellm_params={"model": model, **fields},
        model_info=info,
    )


def shown(stack: Stack, name: str) -> dict[str, Any]:
    data = stack.gateway.admin("GET", "/model/info")["data"]
    (row,) = [row for row in data if row["model_name"] == name]
    return dict(row)


def test_shipped_models_are_shown_with_exact_prices(own_stack: Stack) -> None:
    answer = own_stack.gateway.try_admin("GET", "/model/info")

    assert b'"input_cost_per_token":0.0000011,"output_cost_per_token":0.0000055' in answer.content
    row = shown(own_stack, "claude-haiku-4-5")
    assert row["litellm_params"] == {"model": f"bedrock/{HAIKU}", "aws_region_name": "us-east-1"}
    assert (
        row["model_info"].items()
        >= {
            "id": "claude-haiku-4-5",
            "db_model": False,
            "mode": "chat",
            "litellm_provider": "bedrock",
            "cache_read_input_token_cost": 1.1e-07,
        }.items()
    )
    assert own_stack.gateway.admin("GET", "/v1/model/info") == orjson.loads(answer.content)


@pytest.mark.parametrize("target", ["claude-haiku-4-5", HAIKU, f"bedrock/{HAIKU}"])
def test_another_name_for_a_model_works_and_is_the_same_model(
    own_stack: Stack, target: str
) -> None:
    add(own_stack, "the-quick-one", target)
    key = own_stack.gateway.new_key(models=["the-quick-one"])

    answer = message(own_stack.gateway, key, "the-quick-one")

    # A name for one profile alone opens no other way to the model.
    by_name = {"claude-haiku-4-5"} if target == "claude-haiku-4-5" else set()
    assert may_use(own_stack.gateway, key) == by_name

    assert answer.status_code == 200
    assert answer.json()["model"] == "the-quick-one"
    (row,) = own_stack.spend_log()
    assert row["model"] == "claude-haiku-4-5"
    assert message(own_stack.gateway, key, "claude-opus-5-5").status_code == 403


def test_a_name_with_prices_is_a_model_of_its_own(own_stack: Stack) -> None:
    added = add(own_stack, "internal-rate", "claude-haiku-4-5", **OWN)
    key = own_stack.gateway.new_key()

    assert message(own_stack.gateway, key, "internal-rate").status_code == 200
    assert message(own_stack.gateway, key, HAIKU).status_code == 200

    assert added["model_info"].items() >= OWN.items()
    assert added["litellm_params"].items() >= OWN.items()
    assert "internal-rate" in may_use(own_stack.gateway, key)
    first, second = own_stack.spend_log()
    assert (first["model"], second["model"]) == ("internal-rate", "claude-haiku-4-5")
    expected = first["input_tokens"] * Decimal("0.0000025")
    expected += first["output_tokens"] * Decimal("0.0000125")
    assert first["cost"] == expected


def test_the_name_of_a_shipped_model_changes_its_prices_and_limits(own_stack: Stack) -> None:
    add(own_stack, "claude-haiku-4-5", f"bedrock/{HAIKU}", rpm=1, model_info={"id": "cap"})
    key = own_stack.gateway.new_key()

    statuses = [message(own_stack.gateway, key).status_code for _ in range(2)]
    own_stack.gateway.admin("POST", "/model/delete", id="cap")

    assert statuses == [200, 429]
    assert message(own_stack.gateway, key).status_code == 200


def test_a_model_that_the_gateway_does_not_know_has_its_bases_abilities(own_stack: Stack) -> None:
    added = add(
        own_stack,
        "claude-next",
        "bedrock/us.anthropic.claude-next-v1:0",
        model_info={"base_model": "claude-haiku-4-5"},
        **OWN,
    )

    key = own_stack.gateway.new_key(models=["claude-next"])

    assert added["litellm_params"]["model"] == "bedrock/us.anthropic.claude-next-v1:0"
    assert added["model_info"]["base_model"] == "claude-haiku-4-5"
    assert added["model_info"]["max_input_tokens"] == 200_000
    assert may_use(own_stack.gateway, key) == {"claude-next"}


def test_prices_of_the_cache_follow_from_that_of_the_input(own_stack: Stack) -> None:
    added = add(
        own_stack,
        "two-prices",
        "claude-haiku-4-5",
        input_cost_per_token=2e-06,
        output_cost_per_token=1e-05,
    )["model_info"]

    assert added["cache_creation_input_token_cost"] == 2.5e-06
    assert added["cache_creation_input_token_cost_above_1hr"] == 4e-06
    assert added["cache_read_input_token_cost"] == 2e-07


def test_what_is_not_sent_stays_and_null_clears(own_stack: Stack) -> None:
    add(own_stack, "mine", "claude-haiku-4-5", rpm=5, tpm=6, model_info={"id": "m"}, **OWN)

    changed = own_stack.gateway.admin(
        "POST",
        "/model/update",
        model_info={"id": "m"},
        model_name="ours",
        litellm_params={"rpm": None, "output_cost_per_token": 2e-05},
    )

    parameters = changed["litellm_params"]
    assert (parameters.get("rpm"), parameters["tpm"]) == (None, 6)
    assert parameters.items() >= {**OWN, "output_cost_per_token": 2e-05}.items()
    assert shown(own_stack, "ours") == changed
    key = own_stack.gateway.new_key()
    assert models_for(own_stack.gateway, key).text.count('"mine"') == 0


def test_a_deleted_model_is_gone(own_stack: Stack) -> None:
    add(own_stack, "brief", "claude-haiku-4-5", model_info={"id": "b"})
    key = own_stack.gateway.new_key()

    answer = own_stack.gateway.admin("POST", "/model/delete", id="b")

    assert answer == {"message": "Model: b deleted successfully"}
    assert message(own_stack.gateway, key, "brief").status_code == 404


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"litellm_params": {"model": "gpt-5"}}, 400, "litellm_params.model: 'gpt-5' is neither"),
        (
            {"litellm_params": {"model": "bedrock/us.anthropic.claude-next-v1:0"}},
            400,
            "model_info.base_model: ",
        ),
        (
            {
                "litellm_params": {"model": "bedrock/eu.anthropic.claude-next-v1:0"},
                "model_info": {"base_model": "claude-haiku-4-5"},
            },
            400,
            "litellm_params.model: eu.anthropic.claude-next-v1:0 cannot be reached from us-east-1",
        ),
        (
            {"litellm_params": {"model": "claude-haiku-4-5", "input_cost_per_token": 1e-6}},
            400,
            "input_cost_per_token and output_cost_per_token: ",
        ),
        (
            {"litellm_params": {"model": "claude-haiku-4-5", "api_key": "x"}},
            400,
            "litellm_params.api_key",
        ),
        ({"litellm_params": {}}, 400, "litellm_params.model: "),
        ({"model_name": "a b", "litellm_params": {"model": "claude-haiku-4-5"}}, 400, "model_name"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(
    stack: Stack, fields: dict[str, Any], status: int, said: str
) -> None:
    refused = stack.gateway.try_admin("POST", "/model/new", **{"model_name": "m-bad"} | fields)

    assert refused.status_code == status
    assert refused.json()["error"]["message"].startswith(said)


@pytest.mark.parametrize(
    "name",
    [
        "claude-opus-4-1",
        "claude-opus-4-1-20250805",
        "us.anthropic.claude-opus-4-1-20250805-v1:0",
    ],
)
def test_a_name_of_a_shipped_model_is_taken(stack: Stack, name: str) -> None:
    body = {"model_name": name, "litellm_params": {"model": "claude-haiku-4-5"}}

    refused = stack.gateway.try_admin("POST", "/model/new", **body)

    assert refused.status_code == 400
    said = refused.json()["error"]["message"]
    assert f"model_name: {name} is a name of the shipped model claude-opus-4-1" in said


def test_the_master_key_alone_sets_prices_below_those_shipped(own_stack: Stack) -> None:
    gateway = own_stack.gateway
    gateway.admin("POST", "/user/new", user_id="boss", user_role="proxy_admin", key_alias="boss")
    admin = gateway.new_key(user_id="boss")
    free = {"input_cost_per_token": 0, "output_cost_per_token": 0}
    dear = {"input_cost_per_token": 0.001, "output_cost_per_token": 0.001}

    def added(secret: str, id_: str, **rates: float) -> httpx.Response:
        parameters = {"model": "claude-opus-5-5", **rates}
        body = {"litellm_params": parameters, "model_info": {"id": id_}, "model_name": id_}
        return gateway.try_as(secret, "POST", "/model/new", **body)

    def changed(secret: str, id_: str, **parameters: Any) -> httpx.Response:
        body = {"model_info": {"id": id_}, "litellm_params": parameters}
        return gateway.try_as(secret, "POST", "/model/update", **body)

    refused = added(admin, "a", **free)
    assert refused.status_code == 403
    assert "only the master key may set a price below the shipped one" in refused.text
    assert added(admin, "b", **dear).status_code == 200
    assert changed(admin, "b", **free).status_code == 403
    assert changed(admin, "b", rpm=5).status_code == 200
    assert added(MASTER_KEY, "c", **free).status_code == 200
    assert changed(admin, "c", rpm=5).status_code == 200
    assert changed(admin, "c", model="claude-opus-4-1").status_code == 403


def test_two_of_one_name_or_id_are_a_conflict(own_stack: Stack) -> None:
    add(own_stack, "one", "claude-haiku-4-5", model_info={"id": "1"})
    add(own_stack, "two", "claude-haiku-4-5", model_info={"id": "2"})

    for path, body in (
        ("/model/new", {"model_name": "one", "litellm_params": {"model": "claude-haiku-4-5"}}),
        (
            "/model/new",
            {
                "model_name": "three",
                "litellm_params": {"model": "claude-haiku-4-5"},
                "model_info": {"id": "1"},
            },
        ),
        ("/model/update", {"model_name": "one", "model_info": {"id": "2"}}),
    ):
        assert own_stack.gateway.try_admin("POST", path, **body).status_code == 409


@pytest.mark.parametrize(
    ("path", "body"),
    [("/model/delete", {"id": "none"}), ("/model/update", {"model_info": {"id": "none"}})],
)
def test_a_shipped_or_unknown_model_is_a_404(stack: Stack, path: str, body: dict[str, Any]) -> None:
    assert stack.gateway.try_admin("POST", path, **body).status_code == 404
