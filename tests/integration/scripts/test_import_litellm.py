"""`scripts/import-litellm`, from a database with LiteLLM's tables."""

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from app.identity.policy import hash_key
from app.local.postgres import Postgres
from tests.conftest import at
from tests.support.asking import may_use, message, status_of
from tests.support.processes import ROOT
from tests.support.stack import Stack

TABLES = """
CREATE TABLE "LiteLLM_BudgetTable" (
    budget_id text PRIMARY KEY, max_budget double precision, soft_budget double precision,
    max_parallel_requests integer, tpm_limit bigint, rpm_limit bigint, model_max_budget jsonb,
    budget_duration text, budget_reset_at timestamp(3), created_by text, updated_by text);
CREATE TABLE "LiteLLM_TeamTable" (
    team_id text PRIMARY KEY, team_alias text, max_budget double precision, models text[],
    blocked boolean NOT NULL DEFAULT false);
CREATE TABLE "LiteLLM_UserTable" (
    user_id text PRIMARY KEY, user_alias text, user_email text, user_role text,
    teams text[] DEFAULT '{}', max_budget double precision,
    spend double precision NOT NULL DEFAULT 0, models text[] DEFAULT '{}',
    metadata jsonb NOT NULL DEFAULT '{}', max_parallel_requests integer, tpm_limit bigint,
    rpm_limit bigint, budget_duration text, budget_reset_at timestamp(3),
    model_max_budget jsonb NOT NULL DEFAULT '{}', created_at timestamp(3) DEFAULT now());
CREATE TABLE "LiteLLM_VerificationToken" (
    token text PRIMARY KEY, key_name text, key_alias text,
    spend double precision NOT NULL DEFAULT 0, expires timestamp(3), models text[] DEFAULT '{}',
    aliases jsonb NOT NULL DEFAULT '{}', config jsonb NOT NULL DEFAULT '{}', user_id text,
    team_id text, permissions jsonb NOT NULL DEFAULT '{}', max_parallel_requests integer,
    metadata jsonb NOT NULL DEFAULT '{}', blocked boolean, tpm_limit bigint, rpm_limit bigint,
    max_budget double precision, budget_duration text, budget_reset_at timestamp(3),
    allowed_routes text[] DEFAULT '{}', model_max_budget jsonb NOT NULL DEFAULT '{}',
    budget_id text, organization_id text, created_at timestamp(3) DEFAULT now());
CREATE TABLE "LiteLLM_DeprecatedVerificationToken" (
    id text PRIMARY KEY, token text, active_token_id text, revoke_at timestamp(3));
CREATE TABLE "LiteLLM_SpendLogs" (
    request_id text PRIMARY KEY, api_key text NOT NULL DEFAULT '', "user" text,
    spend double precision NOT NULL DEFAULT 0);
"""
SOON = datetime.now(UTC).replace(tzinfo=None, microsecond=0) + timedelta(days=5)
PAST = SOON - timedelta(days=30)
ADA, OLD = "sk-adas-key-of-litellm-1", "sk-adas-former-key-of-litellm"

Insert = Callable[..., None]


@pytest.fixture
def litellm_url(postgres: Postgres) -> Iterator[str]:
    with psycopg.connect(postgres.dsn, autocommit=True) as connection:
        connection.execute("CREATE DATABASE litellm")
        url = at(postgres, "litellm")
        with psycopg.connect(url) as tables:
            tables.execute(TABLES)
        yield url
        connection.execute("DROP DATABASE litellm WITH (FORCE)")


@pytest.fixture
def insert(litellm_url: str) -> Insert:
    """A row of one of LiteLLM's tables."""

    def row(table: str, **columns: Any) -> None:
        names = ", ".join(f'"{name}"' for name in columns)
        marks = ", ".join(["%s"] * len(columns))
        values = [Jsonb(v) if isinstance(v, dict) else v for v in columns.values()]
        with psycopg.connect(litellm_url, autocommit=True) as connection:
            query = f'INSERT INTO "LiteLLM_{table}" ({names}) VALUES ({marks})'
            connection.execute(query.encode(), values)

    return row


def user(insert: Insert, user_id: str, **columns: Any) -> None:
    insert("UserTable", user_id=user_id, **columns)


def key(insert: Insert, secret: str, **columns: Any) -> str:
    token = hash_key(secret)
    insert("VerificationToken", token=token, key_name=f"sk-...{secret[-4:]}", **columns)
    return token


def run(
    stack: Stack, litellm_url: str, *arguments: str, **environment: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [ROOT / "scripts" / "import-litellm", *arguments],
        env={
            "PATH": os.environ["PATH"],
            "LITELLM_DATABASE_URL": litellm_url,
            "DATABASE_URL": stack.database_url,
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )


def imported(stack: Stack, litellm_url: str, *arguments: str) -> str:
    done = run(stack, litellm_url, "--apply", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def key_info(stack: Stack, name: str) -> dict[str, Any]:
    found: dict[str, Any] = stack.gateway.admin("GET", "/key/info", key=name)["info"]
    return found


def user_info(stack: Stack, user_id: str) -> dict[str, Any]:
    found: dict[str, Any] = stack.gateway.admin("GET", "/user/info", user_id=user_id)["user_info"]
    return found


@pytest.fixture
def ada(insert: Insert) -> str:
    """A user and a key with all that LiteLLM keeps of them; the key's token."""
    user(
        insert,
        "ada",
        user_email="ada@example.org",
        user_alias="Ada",
        user_role="internal_user",
        max_budget=50,
        budget_duration="30d",
        budget_reset_at=SOON,
        spend=12.3,
        rpm_limit=60,
        models=["claude-haiku-4-5", "claude-opus-5-5"],
        metadata={"team": "platform"},
    )
    insert("BudgetTable", budget_id="shared", max_budget=9.5, soft_budget=8, budget_duration="7d")
    token = key(
        insert,
        ADA,
        key_alias="adas-laptop",
        user_id="ada",
        budget_id="shared",
        spend=0.25,
        budget_reset_at=SOON,
        tpm_limit=100_000,
        max_parallel_requests=3,
        expires=SOON,
        models=["claude-haiku-4-5"],
        model_max_budget={"claude-haiku-4-5": {"budget_limit": "1.5", "time_period": "1d"}},
        metadata={
            "tags": ["ci"],
            "model_rpm_limit": {"claude-haiku-4-5": 6},
            "floor": 3,
            "temp_budget_increase": 5,
            "temp_budget_expiry": SOON.isoformat(),
        },
    )
    insert(
        "DeprecatedVerificationToken",
        id="1",
        token=hash_key(OLD),
        active_token_id=token,
        revoke_at=SOON,
    )
    insert("SpendLogs", request_id="1", api_key=token, user="ada", spend=1.75)
    insert("SpendLogs", request_id="2", api_key=token, user="ada", spend=40.5)
    return token


def test_keys_go_on_working_and_those_in_their_grace_period_too(
    own_stack: Stack, litellm_url: str, ada: str
) -> None:
    imported(own_stack, litellm_url)

    assert [status_of(own_stack.gateway, secret) for secret in (ADA, OLD)] == [200, 200]
    assert may_use(own_stack.gateway, ADA) == {"claude-haiku-4-5"}
    assert message(own_stack.gateway, ADA).status_code == 200
    assert key_info(own_stack, ADA)["token"] == ada


def test_users_of_one_address_are_all_imported_and_noted(
    own_stack: Stack, litellm_url: str, insert: Insert
) -> None:
    for user_id, email in (("one", "Two@example.org"), ("two", " two@example.org"), ("odd", "me")):
        user(insert, user_id, user_email=email)
    done = imported(own_stack, litellm_url)

    assert [user_info(own_stack, id_)["user_email"] for id_ in ("one", "two", "odd")] == [
        "two@example.org",
        "two@example.org",
        "me",
    ]
    assert re.search(r"has the e-mail address of user (one|two): use user ids", done)
    assert "'me' is not an e-mail address: kept as it is" in done


def test_users_keys_budgets_and_limits_are_as_they_were(
    own_stack: Stack, litellm_url: str, ada: str
) -> None:
    imported(own_stack, litellm_url)

    assert (
        user_info(own_stack, "ada").items()
        >= {
            "user_email": "ada@example.org",
            "user_alias": "Ada",
            "max_budget": 50,
            "budget_duration": "30d",
            "models": ["claude-haiku-4-5", "claude-opus-5-5"],
            "rpm_limit": 60,
            "metadata": {"team": "platform"},
        }.items()
    )
    assert (
        key_info(own_stack, ada).items()
        >= {
            "key_alias": "adas-laptop",
            "user_id": "ada",
            "budget_id": "shared",
            "tpm_limit": 100_000,
            "max_parallel_requests": 3,
            "expires": SOON.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "model_max_budget": {"claude-haiku-4-5": {"budget_limit": 1.5, "time_period": "1d"}},
            "model_rpm_limit": {"claude-haiku-4-5": 6},
            "temp_budget_increase": 5,
            "tags": ["ci"],
            "metadata": {"floor": 3},
            "created_by": "import from LiteLLM",
        }.items()
    )
    assert key_info(own_stack, ada)["litellm_budget_table"]["max_budget"] == 9.5


def test_spend_of_the_window_and_of_all_time_is_as_it_was(
    own_stack: Stack, litellm_url: str, ada: str
) -> None:
    imported(own_stack, litellm_url)

    of_user, of_key = user_info(own_stack, "ada"), key_info(own_stack, ada)
    assert (of_user["spend"], of_user["total_spend"]) == (12.3, 42.25)
    assert (of_key["spend"], of_key["total_spend"]) == (0.25, 42.25)


def test_spend_of_a_window_that_is_over_does_not_count(
    own_stack: Stack, litellm_url: str, insert: Insert
) -> None:
    token = key(insert, ADA, max_budget=5, budget_duration="1d", budget_reset_at=PAST, spend=4)

    imported(own_stack, litellm_url)

    assert key_info(own_stack, token)["spend"] == 0
    assert key_info(own_stack, token)["total_spend"] == 4


def test_it_may_be_run_again_and_brings_spend_up_to_date(
    own_stack: Stack, litellm_url: str, ada: str, insert: Insert
) -> None:
    imported(own_stack, litellm_url)
    assert message(own_stack.gateway, ADA).status_code == 200
    cost = float(own_stack.spend_log()[0]["cost"])
    own_stack.gateway.admin("POST", "/user/update", user_id="ada", max_budget=70)
    insert("SpendLogs", request_id="3", api_key=ada, user="ada", spend=7.75)

    imported(own_stack, litellm_url)
    said = imported(own_stack, litellm_url)

    assert said.splitlines()[2].split() == ["users", "1", "0", "1"]
    assert user_info(own_stack, "ada")["max_budget"] == 70
    assert user_info(own_stack, "ada")["total_spend"] == pytest.approx(50 + cost)
    assert key_info(own_stack, ada)["total_spend"] == pytest.approx(50 + cost)
    assert key_info(own_stack, ada)["spend"] == pytest.approx(0.25 + cost)


def test_a_key_that_was_replaced_here_meanwhile_stays_replaced(
    own_stack: Stack, litellm_url: str, ada: str
) -> None:
    imported(own_stack, litellm_url)
    new = own_stack.gateway.admin("POST", "/key/regenerate", key=ada)["key"]

    imported(own_stack, litellm_url)

    assert [status_of(own_stack.gateway, secret) for secret in (ADA, new)] == [401, 200]


def test_a_dry_run_says_all_and_writes_nothing(
    own_stack: Stack, litellm_url: str, ada: str
) -> None:
    done = run(own_stack, litellm_url)

    assert done.returncode == 0, done.stderr
    assert [line.split() for line in done.stdout.splitlines()[:4]] == [
        ["in", "LiteLLM", "new", "exist", "already"],
        ["budgets", "1", "1", "0"],
        ["users", "1", "1", "0"],
        ["keys", "1", "1", "0"],
    ]
    assert done.stdout.endswith("Nothing was written; --apply does it.\n")
    assert own_stack.query("SELECT FROM gateway_user") == []
    assert own_stack.query("SELECT FROM budget_counter") == []


def test_it_is_in_the_audit_log(own_stack: Stack, litellm_url: str, ada: str) -> None:
    imported(own_stack, litellm_url)

    logged = own_stack.gateway.admin("GET", "/audit/logs", actor="import from LiteLLM")
    assert [(e["action"], e["object_type"]) for e in logged["audit_logs"]] == [
        ("create", "key"),
        ("create", "user"),
        ("create", "budget"),
    ]


def test_what_cannot_be_carried_over_is_named(
    own_stack: Stack, litellm_url: str, insert: Insert
) -> None:
    insert("TeamTable", team_id="t1", team_alias="Research", models=["claude-haiku-4-5"])
    insert("TeamTable", team_id="t2", team_alias="Stopped", models=[], blocked=True)
    user(
        insert,
        "root",
        user_role="proxy_admin",
        teams=["t1"],
        budget_duration="fortnightly",
        max_budget=5,
    )
    key(insert, "sk-of-a-team-0001", key_alias="teams", team_id="t1")
    key(insert, "sk-of-a-team-0002", key_alias="stopped", team_id="t2")
    key(insert, "sk-other-models-1", key_alias="others", models=["gpt-5"], aliases={"a": "b"})
    key(insert, "sk-for-management", key_alias="managing", allowed_routes=["management_routes"])
    key(insert, "sk-for-the-models", key_alias="inference", allowed_routes=["llm_api_routes"])
    key(insert, "sk-same-alias-001", key_alias="inference", user_id="ghost")
    key(insert, "sk-session-of-ui1", team_id="litellm-dashboard")

    said = imported(own_stack, litellm_url)

    for what, note in (
        ("user root", "the role proxy_admin is carried over with --admins alone"),
        ("user root", "is in teams: t1"),
        ("user root", "the duration fortnightly is not known"),
        ("key teams", "leaves the team Research"),
        ("key others", "the model gpt-5 is not known here"),
        ("key others", "not carried over: aliases"),
        ("key managing", "was not for models, and is blocked"),
        ("key inference", "allowed_routes are not carried over: llm_api_routes"),
        ("key inference", "another key has this alias too"),
        ("user ghost", "LiteLLM has keys of this user, but no user"),
        ("teams", "2 are not carried over"),
    ):
        assert any(line.startswith(f"{what} ") and note in line for line in said.splitlines()), (
            what,
            note,
            said,
        )
    assert user_info(own_stack, "root")["user_role"] == "internal_user"
    assert may_use(own_stack.gateway, "sk-of-a-team-0001") == {"claude-haiku-4-5"}
    assert may_use(own_stack.gateway, "sk-other-models-1") == set()
    assert status_of(own_stack.gateway, "sk-of-a-team-0002") == 401
    assert status_of(own_stack.gateway, "sk-for-management") == 401
    assert status_of(own_stack.gateway, "sk-same-alias-001") == 200
    assert status_of(own_stack.gateway, "sk-session-of-ui1") == 401


def test_administrators_are_carried_over_when_asked_for(
    own_stack: Stack, litellm_url: str, insert: Insert
) -> None:
    user(insert, "root", user_role="proxy_admin")
    key(insert, "sk-of-the-admin-01", user_id="root")

    imported(own_stack, litellm_url, "--admins")

    answer = own_stack.gateway.try_as("sk-of-the-admin-01", "GET", "/user/list")
    assert answer.status_code == 200


def test_an_alias_that_is_taken_here_keeps_the_key_out_and_says_so(
    own_stack: Stack, litellm_url: str, ada: str
) -> None:
    own_stack.gateway.new_key(key_alias="adas-laptop")

    said = imported(own_stack, litellm_url)

    assert said.splitlines()[3].split() == ["keys", "1", "1", "0"]
    assert "another key has this alias too" in said
    assert status_of(own_stack.gateway, ADA) == 200


@pytest.mark.parametrize(
    ("environment", "code", "said"),
    [
        ({"LITELLM_DATABASE_URL": ""}, 2, "LITELLM_DATABASE_URL must be set"),
        ({"LITELLM_DATABASE_URL": "postgresql://me:hush@127.0.0.1:9/x"}, 1, "nothing was written"),
        ({"GATEWAY_BUDGET_TIMEZONE": "Mars/Olympus"}, 1, "nothing was written"),
    ],
)
def test_what_goes_wrong_has_a_reason_and_a_code(
    stack: Stack, litellm_url: str, environment: dict[str, str], code: int, said: str
) -> None:
    done = run(stack, litellm_url, **environment)

    assert done.returncode == code
    assert said in done.stderr
    assert "hush" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_without_litellm_is_said_so(own_stack: Stack) -> None:
    done = run(own_stack, own_stack.database_url)

    assert done.returncode == 1
    assert "no LiteLLM is in that database" in done.stderr
