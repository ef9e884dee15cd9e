"""`/key/*`: making, finding, changing, blocking and deleting keys."""

from typing import Any

import pytest

from tests.support.asking import may_use, message, status_of
from tests.support.processes import MASTER_KEY
from tests.support.stack import Stack

EVERYTHING: dict[str, Any] = {
    "models": ["claude-haiku-4-5"],
    "max_budget": 3.5,
    "soft_budget": 3,
    "budget_duration": "7d",
    "temp_budget_increase": 1,
    "temp_budget_expiry": "2099-01-01T00:00:00Z",
    "model_max_budget": {"claude-haiku-4-5": {"budget_limit": 1, "time_period": "1d"}},
    "rpm_limit": 60,
    "tpm_limit": 100_000,
    "max_parallel_requests": 3,
    "model_rpm_limit": {"claude-haiku-4-5": 6},
    "model_tpm_limit": {},
    "metadata": {"laptop": True},
    "guardrail": "abc123:DRAFT",
    "blocked": False,
    "tags": ["backend", "ci"],
}


def info(stack: Stack, key: str) -> dict[str, Any]:
    found: dict[str, Any] = stack.gateway.admin("GET", "/key/info", key=key)["info"]
    return found


def test_a_key_has_every_field_that_was_sent_and_its_secret_is_shown_once(stack: Stack) -> None:
    made = stack.gateway.admin("POST", "/key/generate", key_alias="k-all", **EVERYTHING)

    assert made.items() >= EVERYTHING.items()
    assert made["token"] == made["token_id"]
    assert made["key_name"] == f"sk-...{made['key'][-4:]}"
    assert made["created_by"] == "master key"
    for name in (made["key"], made["token"]):
        shown = info(stack, name)
        assert shown.items() >= EVERYTHING.items()
        assert made["key"] not in str(shown)


def test_a_key_of_ones_own_value_works(stack: Stack) -> None:
    stack.gateway.admin("POST", "/key/generate", key="sk-value-of-our-own-choice")

    assert status_of(stack.gateway, "sk-value-of-our-own-choice") == 200


@pytest.mark.parametrize("path", ["/key/generate", "/key/regenerate"])
def test_the_master_key_opens_the_public_port_by_no_way(own_stack: Stack, path: str) -> None:
    field = "key" if path == "/key/generate" else "new_key"
    named = {} if field == "key" else {"key": own_stack.gateway.new_key()}
    refused = own_stack.gateway.try_admin("POST", path, **named, **{field: MASTER_KEY})
    # As an import from another gateway may do, which knows hashes alone.
    own_stack.execute(
        "INSERT INTO api_key (key_hash, key_name) VALUES "
        f"(encode(sha256('{MASTER_KEY}'), 'hex'), 'sk-...x')"
    )

    assert (refused.status_code, f"{field}: is the master key" in refused.text) == (400, True)
    assert status_of(own_stack.gateway, MASTER_KEY) == 401
    assert own_stack.gateway.try_admin("GET", "/key/list").status_code == 200


def test_what_is_not_sent_stays_and_null_clears(stack: Stack) -> None:
    made = stack.gateway.admin("POST", "/key/generate", duration="1d", **EVERYTHING)

    changed = stack.gateway.admin(
        "POST",
        "/key/update",
        key=made["key"],
        rpm_limit=None,
        tags=None,
        duration=None,
        temp_budget_increase=None,
        temp_budget_expiry=None,
    )

    cleared: dict[str, Any] = {
        "rpm_limit": None,
        "tags": [],
        "expires": None,
        "temp_budget_increase": None,
        "temp_budget_expiry": None,
    }
    assert changed.items() >= (EVERYTHING | cleared).items()
    assert changed["key"] == made["token"]


def test_a_key_lives_as_long_as_it_was_given_and_can_be_given_more(stack: Stack) -> None:
    made = stack.gateway.admin("POST", "/key/generate", duration="1h")

    longer = stack.gateway.admin("POST", "/key/update", key=made["key"], duration="30d")

    assert made["created_at"] < made["expires"] < longer["expires"]


@pytest.mark.parametrize(
    "word", [[], ["all-proxy-models"], ["all-proxy-models", "claude-haiku-4-5"]]
)
def test_all_models_are_meant_by_the_empty_list_and_by_litellms_word(
    stack: Stack, word: list[str]
) -> None:
    made = stack.gateway.admin("POST", "/key/generate", models=word)

    assert made["models"] == []
    assert len(may_use(stack.gateway, made["key"])) > 5


def test_names_by_model_become_public_names(stack: Stack) -> None:
    made = stack.gateway.admin(
        "POST",
        "/key/generate",
        model_rpm_limit={"us.anthropic.claude-haiku-4-5-20251001-v1:0": 3},
        model_max_budget={"claude-opus-5-5": {"max_budget": 1, "budget_duration": "daily"}},
    )

    assert made["model_rpm_limit"] == {"claude-haiku-4-5": 3}
    assert made["model_max_budget"] == {
        "claude-opus-5-5": {"budget_limit": 1, "time_period": "daily"}
    }


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"models": ["claude-haiku-4.5"]}, "models: claude-haiku-4.5 is not known here; try one"),
        ({"model_tpm_limit": {"gpt-5": 1}}, "model_tpm_limit: gpt-5 is not known here"),
        (
            {
                "model_rpm_limit": {
                    "claude-haiku-4-5": 1,
                    "anthropic.claude-haiku-4-5-20251001-v1:0": 2,
                }
            },
            "model_rpm_limit: two of the names",
        ),
        (
            {"model_max_budget": {"claude-haiku-4-5": {"budget_limit": 1, "time_period": "x"}}},
            "model_max_budget: 'x' is not a duration",
        ),
        (
            {"model_max_budget": {"claude-haiku-4-5": {"budget_limit": 1, "limit": 1}}},
            "model_max_budget.claude-haiku-4-5.limit: Extra inputs",
        ),
        ({"temp_budget_increase": 1}, "temp_budget_increase and temp_budget_expiry"),
        ({"temp_budget_increase": 1, "temp_budget_expiry": "soon"}, "temp_budget_expiry: 'soon'"),
        (
            {"temp_budget_increase": 1, "temp_budget_expiry": "2020-01-01"},
            "temp_budget_expiry: that is in the past",
        ),
        ({"guardrail": "no version"}, "guardrail: "),
        ({"tags": ["x" * 65]}, "tags.0: "),
        ({"rpm_limit": -1}, "rpm_limit: "),
        ({"tpm_limit": 2**60}, "tpm_limit: "),
        ({"max_budget": 0.00000000001}, "max_budget: "),
        ({"metadata": {"a": "x" * 20_000}}, "metadata: "),
        ({"metadata": {"a": "b\x00"}}, "metadata: "),
        ({"metadata": {"a": [[[[[[[[[[1]]]]]]]]]]}}, "metadata: "),
        ({"metadata": {"a": 2**70}}, "metadata: "),
        ({"team_id": "a"}, "team_id: Extra inputs are not permitted"),
        ({"user_id": "nobody"}, "There is no user 'nobody'"),
        ({"budget_id": "none"}, "There is no budget 'none'"),
        ({"key": "sk-short"}, "key: is too easy to guess: 20 random characters or more"),
        ({"key": "pk-value-of-our-own-choice"}, "key: must begin with sk-"),
        ({"key": "sk-" + "1234567890123"}, "key: is too easy to guess"),
        ({"key": "sk-" + " " * 13}, "key: must have visible ASCII characters only"),
        ({"key": MASTER_KEY}, "key: is the master key"),
        ({"key": "sk-" + "x" * 510}, "key: "),
    ],
)
def test_a_field_that_does_not_fit_is_refused_by_name(
    stack: Stack, fields: dict[str, Any], said: str
) -> None:
    refused = stack.gateway.try_admin("POST", "/key/generate", **fields)

    assert refused.status_code in {400, 404}
    assert refused.json()["error"]["message"].startswith(said)


def test_a_blocked_key_stops_until_it_is_unblocked(stack: Stack) -> None:
    key = stack.gateway.new_key()

    blocked = stack.gateway.admin("POST", "/key/block", key=key)
    stopped = status_of(stack.gateway, key)
    unblocked = stack.gateway.admin("POST", "/key/unblock", key=key)

    assert (blocked["blocked"], stopped, unblocked["blocked"]) == (True, 401, False)
    assert status_of(stack.gateway, key) == 200


def test_keys_are_deleted_by_secret_token_and_alias(stack: Stack) -> None:
    first, second = stack.gateway.new_key(), stack.gateway.admin("POST", "/key/generate")
    third = stack.gateway.new_key(key_alias="k-alias")

    answer = stack.gateway.admin(
        "POST", "/key/delete", keys=[first, second["token"]], key_aliases=["k-alias"]
    )

    assert answer == {"deleted_keys": [first, second["token"], "k-alias"]}
    assert [status_of(stack.gateway, k) for k in (first, second["key"], third)] == [401] * 3


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/key/delete", {"keys": ["sk-not-there-at-all"]}),
        ("/key/delete", {"key_aliases": ["not-there"]}),
        ("/key/update", {"key": "0" * 64, "max_budget": 1}),
        ("/key/block", {"key": "sk-not-there-at-all"}),
        ("/key/regenerate", {"key": "sk-not-there-at-all"}),
    ],
)
def test_a_key_that_is_not_there_is_a_404(stack: Stack, path: str, fields: dict[str, Any]) -> None:
    assert stack.gateway.try_admin("POST", path, **fields).status_code == 404


def test_all_are_deleted_or_none(stack: Stack) -> None:
    key = stack.gateway.new_key()

    refused = stack.gateway.try_admin("POST", "/key/delete", keys=[key, "sk-not-there-at-all"])

    assert refused.status_code == 404
    assert status_of(stack.gateway, key) == 200


def test_a_list_shows_tokens_or_whole_keys(stack: Stack) -> None:
    stack.gateway.admin("POST", "/user/new", user_id="k-list", auto_create_key=False)
    made = [
        stack.gateway.admin(
            "POST",
            "/key/generate",
            user_id="k-list",
            key_alias=f"K-List-{n}",
            max_budget=n,
            tags=[f"t{n}"],
        )
        for n in range(3)
    ]
    tokens = [key["token"] for key in made]

    def listed(**query: Any) -> dict[str, Any]:
        return stack.gateway.admin("GET", "/key/list", user_id="k-list", **query)

    assert listed() == {
        "keys": tokens,
        "total_count": 3,
        "current_page": 1,
        "total_pages": 1,
    }
    assert listed(size=2, page=2)["keys"] == tokens[2:]
    assert listed(sort_by="max_budget", sort_order="desc")["keys"] == tokens[::-1]
    assert listed(key_alias="k-list-1")["keys"] == [tokens[1]]
    assert listed(key_hash=tokens[2])["keys"] == [tokens[2]]
    assert listed(tag="t0")["keys"] == [tokens[0]]
    assert listed(blocked=True)["keys"] == []
    (whole,) = listed(key_hash=tokens[1], return_full_object=True)["keys"]
    assert whole == info(stack, tokens[1])


def test_spend_orders_a_list(own_stack: Stack) -> None:
    idle, busy = own_stack.gateway.new_key(), own_stack.gateway.new_key()
    assert message(own_stack.gateway, busy).status_code == 200

    keys = own_stack.gateway.admin(
        "GET", "/key/list", sort_by="spend", sort_order="desc", return_full_object=True
    )["keys"]

    assert [key["token"] for key in keys] == [
        own_stack.gateway.admin("GET", "/key/info", key=key)["key"] for key in (busy, idle)
    ]
    assert keys[0]["spend"] == keys[0]["total_spend"] > 0 == keys[1]["spend"]
