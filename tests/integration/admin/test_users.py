"""`/user/*`: making, finding, changing, blocking and deleting users."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.settings import Settings
from tests.support.asking import may_use, status_of
from tests.support.processes import MASTER_KEY
from tests.support.stack import Stack, running_stack

EVERYTHING: dict[str, Any] = {
    "user_email": "ada@example.org",
    "user_alias": "Ada ✓",
    "user_role": "internal_user",
    "models": ["claude-haiku-4-5", "claude-opus-5-5"],
    "max_budget": 12345678.123456789,
    "soft_budget": 0.1,
    "budget_duration": "30d",
    "temp_budget_increase": 5,
    "temp_budget_expiry": "2099-01-01T00:00:00Z",
    "model_max_budget": {"claude-opus-5-5": {"budget_limit": 10.25, "time_period": "1mo"}},
    "rpm_limit": 60,
    "tpm_limit": 100_000,
    "max_parallel_requests": 3,
    "model_rpm_limit": {"claude-opus-5-5": 6},
    "model_tpm_limit": {"claude-haiku-4-5": 5000},
    "metadata": {"team": "platform", "cost_center": {"id": 4711, "share": 0.5}},
    "guardrail": "abc123:1",
    "blocked": False,
}

CHANGED: dict[str, Any] = EVERYTHING | {"user_email": "changed@example.org"}


def row(stack: Stack, user_id: str) -> dict[str, Any]:
    found: dict[str, Any] = stack.gateway.admin("GET", "/user/info", user_id=user_id)["user_info"]
    return found


def test_a_user_has_every_field_that_was_sent(stack: Stack) -> None:
    made = stack.gateway.admin("POST", "/user/new", user_id="u-all", **EVERYTHING)

    assert EVERYTHING.items() <= made.items()
    assert EVERYTHING.items() <= row(stack, "u-all").items()
    assert made["key"].startswith("sk-")
    assert (made["spend"], made["total_spend"]) == (0, 0)
    assert made["budget_reset_at"].endswith("-01T00:00:00Z")


@pytest.mark.parametrize("said", ["application/x-www-form-urlencoded", "text/plain", None])
def test_a_body_is_read_as_json_whatever_curl_says_of_it(stack: Stack, said: str | None) -> None:
    answer = httpx.post(
        f"{stack.gateway.internal_url}/user/new",
        headers={"authorization": f"Bearer {MASTER_KEY}"}
        | ({"content-type": said} if said else {}),
        content=f'{{"user_email":"{uuid4()}@example.com","max_budget":10}}',
    )

    assert answer.status_code == 200
    assert answer.json()["max_budget"] == 10


def test_a_user_without_an_id_gets_one_and_no_key_if_none_is_wanted(stack: Stack) -> None:
    made = stack.gateway.admin("POST", "/user/new", auto_create_key=False)

    assert made["key"] == ""
    assert stack.gateway.admin("GET", "/user/info", user_id=made["user_id"])["keys"] == []


def test_what_is_not_sent_stays_and_null_clears(stack: Stack) -> None:
    stack.gateway.admin("POST", "/user/new", user_id="u-update", **CHANGED)

    changed = stack.gateway.admin(
        "POST",
        "/user/update",
        user_id="u-update",
        max_budget=7,
        models=None,
        metadata=None,
        budget_duration=None,
        model_max_budget=None,
    )["data"]

    cleared: dict[str, Any] = {
        "models": [],
        "metadata": {},
        "budget_duration": None,
        "model_max_budget": {},
    }
    assert changed.items() >= (CHANGED | cleared | {"max_budget": 7}).items()
    assert changed == row(stack, "u-update")


def test_a_user_is_changed_by_the_address_in_any_case(stack: Stack) -> None:
    stack.gateway.admin("POST", "/user/new", user_id="u-mail", user_email="Grace@example.org")

    changed = stack.gateway.admin(
        "POST", "/user/update", user_email="grace@EXAMPLE.org", rpm_limit=5
    )

    assert changed["user_id"] == "u-mail"
    assert changed["data"]["rpm_limit"] == 5
    assert changed["data"]["user_email"] == "grace@example.org"


@pytest.mark.parametrize("again", ["once@example.org", "Once@Example.org", " ONCE@example.org "])
def test_an_address_belongs_to_one_user(own_stack: Stack, again: str) -> None:
    gateway = own_stack.gateway
    gateway.admin("POST", "/user/new", user_id="u-once", user_email="Once@example.org")
    gateway.admin("POST", "/user/new", user_id="u-other", user_email="other@example.org")

    made = gateway.try_admin("POST", "/user/new", user_id="u-again", user_email=again)
    changed = gateway.try_admin("POST", "/user/update", user_id="u-other", user_email=again)

    for refused in (made, changed):
        assert refused.status_code == 409
        assert "the user u-once has the address once@example.org" in refused.text
    gateway.admin("POST", "/user/update", user_id="u-once", user_email=None)
    gateway.admin("POST", "/user/update", user_id="u-other", user_email=again)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("user_email", "nope"),
        ("user_email", "ada@example.org, bob@example.org"),
        ("user_id", " "),
        ("user_id", "a,b"),
        ("user_id", "a\u202eb"),
        ("user_alias", "evil\u202eadA"),
        ("user_alias", " "),
        ("key_alias", "\u2066x"),
    ],
)
def test_names_that_cannot_be_told_apart_are_refused(stack: Stack, field: str, value: str) -> None:
    refused = stack.gateway.try_admin("POST", "/user/new", **{field: value})

    assert refused.status_code == 400
    assert f"{field}: " in refused.json()["error"]["message"]


def test_an_address_that_two_users_have_from_before_names_neither(own_stack: Stack) -> None:
    stack = own_stack
    stack.gateway.admin("POST", "/user/new", user_id="u-twin-1", user_email="twin@example.org")
    stack.execute(
        "INSERT INTO gateway_user (user_id, user_email, duplicate_email)"
        " VALUES ('u-twin-2', 'twin@example.org', true)"
    )

    refused = stack.gateway.try_admin("POST", "/user/update", user_email="twin@example.org")

    assert refused.status_code == 409
    assert "user_id" in refused.json()["error"]["message"]


def test_a_blocked_user_stops_all_keys_until_unblocked(stack: Stack) -> None:
    first = stack.gateway.admin("POST", "/user/new", user_id="u-block")["key"]
    second = stack.gateway.new_key(user_id="u-block")

    stack.gateway.admin("POST", "/user/block", user_id="u-block")
    blocked = [status_of(stack.gateway, key) for key in (first, second)]
    stack.gateway.admin("POST", "/user/unblock", user_id="u-block")

    assert blocked == [401, 401]
    assert [status_of(stack.gateway, key) for key in (first, second)] == [200, 200]


def test_deleted_users_take_their_keys_with_them(stack: Stack) -> None:
    keys = [
        stack.gateway.admin("POST", "/user/new", user_id=user_id)["key"]
        for user_id in ("u-gone-1", "u-gone-2")
    ]

    answer = stack.gateway.try_admin("POST", "/user/delete", user_ids=["u-gone-1", "u-gone-2"])

    assert (answer.status_code, answer.text) == (200, "2")
    assert [status_of(stack.gateway, key) for key in keys] == [401, 401]
    assert stack.gateway.try_admin("GET", "/user/info", user_id="u-gone-1").status_code == 404


def test_all_are_deleted_or_none(stack: Stack) -> None:
    stack.gateway.admin("POST", "/user/new", user_id="u-stays")

    refused = stack.gateway.try_admin("POST", "/user/delete", user_ids=["u-stays", "nobody"])

    assert refused.status_code == 404
    assert "nobody" in refused.json()["error"]["message"]
    assert row(stack, "u-stays")["user_id"] == "u-stays"


def test_a_list_is_cut_into_pages_that_overlap_nowhere(own_stack: Stack) -> None:
    gateway = own_stack.gateway
    for number in range(7):
        gateway.admin("POST", "/user/new", user_id=f"u{number}", user_alias="same")

    pages = [
        gateway.admin("GET", "/user/list", page=page, page_size=3, sort_by="user_alias")
        for page in (1, 2, 3, 4)
    ]

    assert [len(page["users"]) for page in pages] == [3, 3, 1, 0]
    assert [page["total"] for page in pages] == [7] * 4
    assert [page["total_pages"] for page in pages] == [3] * 4
    shown = [user["user_id"] for page in pages for user in page["users"]]
    assert shown == [f"u{number}" for number in range(7)]
    assert all(user["key_count"] == 1 for user in pages[0]["users"])


def test_a_list_is_filtered_and_sorted(own_stack: Stack) -> None:
    gateway = own_stack.gateway
    gateway.admin("POST", "/budget/new", budget_id="shared")
    gateway.admin("POST", "/user/new", user_id="a", user_email="A@one.org", max_budget=3)
    gateway.admin("POST", "/user/new", user_id="b", user_email="b@two.org", budget_id="shared")
    gateway.admin(
        "POST",
        "/user/new",
        user_id="c",
        user_email="c@one.org",
        max_budget=1,
        blocked=True,
        user_role="proxy_admin_viewer",
    )

    def ids(**query: Any) -> list[str]:
        users = gateway.admin("GET", "/user/list", **query)["users"]
        return [user["user_id"] for user in users]

    assert ids(user_email="ONE.ORG") == ["a", "c"]
    assert ids(user_email="%") == []
    assert ids(role="proxy_admin_viewer") == ["c"]
    assert ids(blocked=False) == ["a", "b"]
    assert ids(budget_id="shared") == ["b"]
    assert ids(user_ids="c, a") == ["a", "c"]
    assert ids(sort_by="max_budget") == ["c", "a", "b"]
    assert ids(sort_by="max_budget", sort_order="desc") == ["a", "c", "b"]
    assert ids(sort_by="user_id", sort_order="desc") == ["c", "b", "a"]


@pytest.mark.parametrize(
    ("path", "query", "named"),
    [
        ("/user/list", {"page": 0}, "page"),
        ("/user/list", {"page_size": 501}, "page_size"),
        ("/user/list", {"sort_by": "user_id; DROP TABLE api_key"}, "sort_by"),
        ("/user/list", {"sort_order": "up"}, "sort_order"),
        ("/user/list", {"role": "king"}, "role"),
        ("/user/list", {"team": "a"}, "team"),
        ("/user/info", {}, "user_id"),
    ],
)
def test_a_query_that_does_not_fit_is_refused_by_name(
    stack: Stack, path: str, query: dict[str, Any], named: str
) -> None:
    refused = stack.gateway.try_admin("GET", path, **query)

    assert refused.status_code == 400
    assert refused.json()["error"]["message"].startswith(f"{named}: ")


def test_models_of_a_user_bound_all_of_its_keys(stack: Stack) -> None:
    made = stack.gateway.admin("POST", "/user/new", models=["claude-haiku-4-5"])

    assert may_use(stack.gateway, made["key"]) == {"claude-haiku-4-5"}


def test_a_user_made_without_a_budget_gets_the_default_one(
    database_url: str, tmp_path: Path
) -> None:
    settings = {
        "GATEWAY_DEFAULT_USER_MAX_BUDGET": "25",
        "GATEWAY_DEFAULT_USER_BUDGET_DURATION": "7d",
        "GATEWAY_DEFAULT_USER_MODELS": '["claude-haiku-4-5"]',
    }
    with running_stack(database_url, tmp_path, **settings) as stack:

        def made(**sent: Any) -> tuple[Any, ...]:
            user = stack.gateway.admin("POST", "/user/new", **sent)
            return user["max_budget"], user["budget_duration"], user["models"]

        stack.gateway.admin("POST", "/budget/new", budget_id="shared", max_budget=5)
        only = ["claude-haiku-4-5"]
        assert made() == (25, "7d", only)
        assert made(budget_duration="1d") == (25, "1d", only)
        assert made(max_budget=3) == (3, None, only)
        assert made(budget_id="shared") == (None, None, only)
        assert made(max_budget=None) == (None, None, only)
        assert made(models=["claude-opus-5-5"]) == (25, "7d", ["claude-opus-5-5"])
        assert made(max_budget=None, models=[]) == (None, None, [])


def test_the_default_budget_can_be_none_by_choice(database_url: str, tmp_path: Path) -> None:
    with running_stack(database_url, tmp_path, GATEWAY_DEFAULT_USER_MAX_BUDGET="none") as stack:
        assert stack.gateway.admin("POST", "/user/new")["max_budget"] is None


def test_no_user_is_unlimited_by_default() -> None:
    known = {"database_url": "postgresql://x", "master_key": "sk-" + "m" * 20, "spool_dir": "/x"}
    settings = Settings(**known)  # type: ignore[arg-type]

    assert settings.user_defaults == {"max_budget": 100, "budget_duration": "1mo"}
