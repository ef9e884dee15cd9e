"""`/spend/*`: what LiteLLM's scripts ask, and what a platform team wants to know."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from tests.support.processes import MASTER_KEY, GatewayProcess, gateway_process
from tests.support.stack import Stack, running_stack
from tests.support.waiting import until

HAIKU, SONNET = "claude-haiku-4-5", "claude-sonnet-4-5"


def ask(gateway: GatewayProcess, key: str, model: str, **headers: str) -> httpx.Response:
    body = {
        "model": model,
        "max_tokens": 50,
        "messages": [{"role": "user", "content": "[[tokens=5]]"}],
    }
    return httpx.post(
        f"{gateway.public_url}/v1/messages", json=body, headers={"x-api-key": key, **headers}
    )


@pytest.fixture(scope="module")
def team(
    tmp_path_factory: pytest.TempPathFactory, module_database_url: str
) -> Iterator[tuple[Stack, str, str]]:
    """Two people, whose requests are made; their keys."""
    with running_stack(module_database_url, tmp_path_factory.mktemp("team")) as stack:
        gateway = stack.gateway
        ada = gateway.admin("POST", "/user/new", user_id="ada", user_email="ada@example.org")["key"]
        bob = gateway.admin("POST", "/user/new", user_id="bob", auto_create_key=False)
        assert bob["key"] == ""
        bobs = gateway.new_key(user_id="bob", key_alias="bobs-laptop", tags=["laptop"])
        for model in (HAIKU, SONNET):
            headers = {
                "x-claude-code-session-id": "s-1",
                "x-claude-code-agent-id": "reviewer",
                "x-litellm-tags": "ci, nightly",
            }
            assert ask(gateway, ada, model, **headers).status_code == 200
        assert ask(gateway, bobs, HAIKU).status_code == 200
        yield stack, ada, bobs


def get(stack: Stack, path: str, **parameters: Any) -> Any:
    """The answer, with money as Decimal."""
    response = httpx.get(
        stack.gateway.internal_url + path,
        params=parameters,
        headers={"authorization": f"Bearer {MASTER_KEY}"},
    )
    assert response.status_code == 200, response.text
    return json.loads(response.content, parse_float=Decimal)


def test_each_request_is_told_in_litellms_shape(team: tuple[Stack, str, str]) -> None:
    stack, ada, _ = team
    (row,) = [r for r in get(stack, "/spend/logs", api_key=ada) if r["model_group"] == SONNET]

    (logged,) = [r for r in stack.spend_log() if r["model"] == SONNET]
    assert row["spend"] == logged["cost"] > 0
    assert row["spend"] == sum(row["metadata"]["cost_breakdown"].values())
    assert row["call_type"] == "anthropic_messages"
    assert row["prompt_tokens"] + row["completion_tokens"] == row["total_tokens"]
    assert (row["user"], row["session_id"], row["status"]) == ("ada", "s-1", "success")
    assert row["request_tags"] == ["ci", "nightly"]
    assert row["metadata"]["agent"] == "reviewer"
    assert row["request_id"].startswith("req_")
    assert row["metadata"]["upstream_request_id"]
    assert row["request_duration_ms"] >= 0
    assert "messages" not in row


def test_requests_are_found_by_what_they_were(team: tuple[Stack, str, str]) -> None:
    stack, _, bobs = team

    def found(**query: Any) -> int:
        return len(get(stack, "/spend/logs", **query))

    everything = get(stack, "/spend/logs")
    assert len(everything) == 3
    assert found(user_id="ada") == 2
    assert found(api_key=bobs) == 1
    assert found(session_id="s-1") == 2
    assert found(request_id=everything[0]["request_id"]) == 1
    assert found(limit=1) == 1


def test_pages_tell_how_many_there_are(team: tuple[Stack, str, str]) -> None:
    stack, *_ = team
    tomorrow = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d 00:00:00}"

    pages = [
        get(stack, "/spend/logs/v2", end_date=tomorrow, page=page, page_size=2) for page in (1, 2)
    ]

    assert [len(page["data"]) for page in pages] == [2, 1]
    assert {(p["total"], p["total_pages"], p["page_size"]) for p in pages} == {(3, 2, 2)}


def test_days_are_summed_up_between_two_dates(team: tuple[Stack, str, str]) -> None:
    stack, *_ = team
    today = f"{datetime.now(UTC):%Y-%m-%d}"

    (day,) = get(stack, "/spend/logs", start_date=today, end_date=today)

    assert (day["startTime"], day["requests"]) == (today, 3)
    assert day["spend"] == sum(row["cost"] for row in stack.spend_log())


def asked(stack: Stack, path: str, **parameters: Any) -> httpx.Response:
    return stack.gateway.try_admin("GET", path, **parameters)


def test_an_end_date_is_included_by_every_report(team: tuple[Stack, str, str]) -> None:
    stack, *_ = team
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    day = {"start_date": today, "end_date": today}

    assert len(get(stack, "/spend/logs", summarize=False, **day)) == 3
    assert get(stack, "/spend/logs/v2", **day)["total"] == 3
    assert get(stack, "/spend/logs/v2", end_date=today)["total"] == 3
    assert get(stack, "/spend/logs/v2", end_date=f"{today} 23:59:59")["total"] == 3
    assert sum(r["requests"] for r in get(stack, "/spend/report", **day)) == 3
    assert sum(r["requests"] for r in get(stack, "/spend/models", **day)) == 3
    changes = get(stack, "/audit/logs", since=today, until=today)["audit_logs"]
    assert changes == get(stack, "/audit/logs")["audit_logs"] != []


def test_an_end_to_the_second_includes_that_second(team: tuple[Stack, str, str]) -> None:
    stack, *_ = team
    last = max(row["started_at"] for row in stack.spend_log()).astimezone(UTC)

    def total(end: datetime) -> int:
        found = get(stack, "/spend/logs/v2", end_date=f"{end:%Y-%m-%d %H:%M:%S}")
        return int(found["total"])

    assert [total(last), total(last - timedelta(minutes=1))] == [3, 0]


def test_every_day_of_a_long_period_is_there(own_stack: Stack) -> None:
    own_stack.execute(
        "INSERT INTO spend_day_status (day, stale, dropped)"
        " SELECT utc_day_v1(now()) - n, false, true"
        "  FROM generate_series(1, 399) n"
    )
    own_stack.execute(
        "INSERT INTO spend_daily"
        " SELECT day, 'k', 'u', 'claude-haiku-4-5', 1, 0, 1, 1, 0, 0, 0, 1, 0 FROM spend_day_status"
    )
    first = f"{datetime.now(UTC) - timedelta(days=399):%Y-%m-%d}"
    today = f"{datetime.now(UTC):%Y-%m-%d}"

    for path in ("/spend/logs", "/spend/report"):
        answer = asked(own_stack, path, start_date=first, end_date=today)
        days = answer.json()
        assert len(days) == 399, path
        assert sum(day.get("spend", day.get("total_spend")) for day in days) == 399
        assert answer.headers["x-total-count"] == "399"
        assert answer.headers["x-has-more"] == "false"
    checks = asked(own_stack, "/spend/check", limit=398)
    assert (len(checks.json()), checks.headers["x-has-more"]) == (398, "true")
    checks = asked(own_stack, "/spend/check", limit=400)
    assert checks.headers["x-has-more"] == "false"
    some = asked(own_stack, "/spend/logs", start_date=first, end_date=today, limit=100)
    assert (len(some.json()), some.headers["x-has-more"]) == (100, "true")


@pytest.mark.parametrize(
    ("path", "query", "total"),
    [
        ("/spend/report", {"group_by": "model"}, 2),
        ("/spend/report", {"group_by": "user"}, 2),
        ("/spend/report", {"group_by": "key"}, 2),
        ("/spend/models", {}, 2),
        ("/spend/tags", {}, 3),
        ("/spend/keys", {}, 2),
        ("/spend/users", {}, 2),
        ("/spend/logs", {}, 3),
    ],
)
def test_a_report_that_was_cut_says_so_and_the_rest_is_on_further_pages(
    team: tuple[Stack, str, str], path: str, query: dict[str, Any], total: int
) -> None:
    stack, *_ = team
    pages = [asked(stack, path, **query, limit=1, page=n + 1) for n in range(total)]
    beyond = asked(stack, path, **query, limit=1, page=total + 1)

    rows = [row for page in pages for row in page.json()]
    assert rows == asked(stack, path, **query).json()
    more = [page.headers["x-has-more"] for page in pages]
    assert more == ["true"] * (total - 1) + ["false"]
    assert (beyond.json(), beyond.headers["x-has-more"]) == ([], "false")
    if path != "/spend/logs":
        assert {page.headers["x-total-count"] for page in pages} == {str(total)}


def test_a_start_after_the_end_is_refused(stack: Stack) -> None:
    backwards = {"start_date": "2026-02-01", "end_date": "2026-01-01"}

    for path in ("/spend/logs", "/spend/logs/v2", "/spend/report"):
        answer = asked(stack, path, **backwards)
        assert (answer.status_code, "is after end_date" in answer.text) == (400, True), path
    assert asked(stack, "/spend/logs/v2", end_date="9999-12-31").status_code == 400


def test_all_reports_sum_up_to_the_same(team: tuple[Stack, str, str]) -> None:
    stack, *_ = team
    spent = sum(row["cost"] for row in stack.spend_log())

    for by in ("day", "key", "user", "model"):
        report = get(stack, "/spend/report", group_by=by)
        assert sum(row["total_spend"] for row in report) == spent, by
    assert sum(row["spend"] for row in get(stack, "/spend/keys")) == spent
    assert sum(row["spend"] for row in get(stack, "/spend/users")) == spent
    assert sum(row["total_spend"] for row in get(stack, "/spend/models")) == spent
    assert get(stack, "/global/spend")["spend"] == spent


def test_keys_users_and_tags_are_named(team: tuple[Stack, str, str]) -> None:
    stack, *_ = team

    users = {row["user_id"]: row for row in get(stack, "/spend/users")}
    assert users["ada"]["user_email"] == "ada@example.org"
    assert "bobs-laptop" in {row["key_alias"] for row in get(stack, "/spend/keys")}
    tags = {row["individual_request_tag"]: row["log_count"] for row in get(stack, "/spend/tags")}
    assert tags == {"ci": 2, "nightly": 2, "laptop": 1}
    sessions = get(stack, "/spend/report", group_by="session")
    assert [(row["name"], row["requests"]) for row in sessions] == [("s-1", 2)]
    assert len(get(stack, "/spend/models", user_id="bob")) == 1


def test_what_a_deleted_key_spent_stays_told_under_its_name(own_stack: Stack) -> None:
    key = own_stack.gateway.new_key(key_alias="short-lived")
    assert ask(own_stack.gateway, key, HAIKU).status_code == 200
    own_stack.gateway.admin("POST", "/key/delete", keys=[key])

    (row,) = get(own_stack, "/spend/keys")

    assert (row["key_alias"], row["deleted"]) == ("short-lived", True)
    assert row["spend"] > 0


def test_global_spend_is_that_of_the_global_budget(database_url: str, tmp_path: Path) -> None:
    settings = {"GATEWAY_GLOBAL_MAX_BUDGET": "5", "GATEWAY_GLOBAL_BUDGET_DURATION": "1mo"}
    with running_stack(database_url, tmp_path, **settings) as stack:
        ask(stack.gateway, stack.gateway.new_key(), HAIKU)

        told = get(stack, "/global/spend")

    assert told["spend"] == told["spend_30_days"] == stack.spend_log()[0]["cost"]
    assert (told["max_budget"], told["budget_reset_at"][8:]) == (5, "01T00:00:00Z")


@pytest.mark.parametrize(
    ("path", "query", "named"),
    [
        ("/spend/logs", {"colour": "red"}, "colour"),
        ("/spend/report", {"group_by": "planet"}, "group_by"),
        ("/spend/report", {"start_date": "yesterday"}, "start_date"),
        ("/spend/report", {"start_date": "2026-02-01", "end_date": "2026-01-01"}, "start_date"),
        ("/spend/report", {"start_date": "2020-01-01"}, "start_date"),
        ("/spend/logs", {"limit": 100_000}, "limit"),
        ("/spend/logs/v2", {"page_size": 0}, "page_size"),
        ("/spend/logs/v2", {"start_date": "2026-13-45"}, "start_date"),
        ("/spend/logs", {"user_id": "a\x00b"}, "user_id"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_by_the_name_of_the_field(
    stack: Stack, path: str, query: dict[str, Any], named: str
) -> None:
    response = stack.gateway.try_admin("GET", path, **query)

    assert response.status_code == 400
    assert named in response.json()["error"]["message"]


def test_money_keeps_all_of_its_digits(team: tuple[Stack, str, str]) -> None:
    stack, *_ = team
    raw = httpx.get(
        f"{stack.gateway.internal_url}/spend/logs",
        headers={"authorization": f"Bearer {MASTER_KEY}"},
    ).content

    for row in stack.spend_log():
        assert f'"spend":{row["cost"].normalize():f}'.encode() in raw
    assert orjson.loads(raw)


async def test_a_running_gateway_closes_and_checks_the_days_that_are_over(
    own_stack: Stack, tmp_path: Path
) -> None:
    # The books of a day stay open for five minutes after its end.
    over = f"{datetime.now(UTC) - timedelta(days=1, minutes=5):%Y-%m-%d}"
    ask(own_stack.gateway, own_stack.gateway.new_key(), HAIKU)
    own_stack.execute("UPDATE spend_log SET started_at = started_at - interval '1 day 5 minutes'")

    with gateway_process(own_stack.database_url, own_stack.emulator.url, tmp_path) as later:
        await until(lambda: later.try_admin("GET", "/spend/check").json() != [])
        await until(lambda: later.try_admin("GET", "/spend/check").json()[0]["checked_at"])
        (check,) = later.try_admin("GET", "/spend/check").json()
        (day,) = later.try_admin("GET", "/spend/report", group_by="day").json()

    assert (check["day"], check["findings"]) == (over, [])
    assert (day["name"], day["requests"]) == (over, 1)
    assert own_stack.query("SELECT requests FROM spend_daily") == [{"requests": 1}]


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/chat/completions"])
def test_tags_of_the_body_go_with_those_of_the_headers(own_stack: Stack, path: str) -> None:
    response = httpx.post(
        own_stack.gateway.public_url + path,
        json={
            "model": "claude-haiku-4-5",
            "max_tokens": 10,
            "messages": [{"role": "user", "content": "Hello"}],
            "metadata": {"tags": ["job:alpha", "ü415887"]},
        },
        headers={
            b"authorization": f"Bearer {own_stack.gateway.new_key()}".encode(),
            b"x-gateway-tags": "nächtlich".encode(),
        },
    )

    assert response.status_code == 200
    assert "metadata" not in own_stack.emulator.received()[-1]["body"]
    assert own_stack.spend_log()[0]["tags"] == ["nächtlich", "job:alpha", "ü415887"]
