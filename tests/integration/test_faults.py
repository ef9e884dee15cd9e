"""What is left of the money when something breaks; under load it breaks in tests/chaos."""

import asyncio
import json
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

from app.local.postgres import Postgres
from tests.integration.test_budgets import ask, http, question
from tests.support.processes import gateway_process
from tests.support.stack import Stack, assert_spend_equals_the_bill, billed, running_stack
from tests.support.waiting import until


@pytest.fixture
def impatient_stack(database_url: str, tmp_path: Path) -> Iterator[Stack]:
    """One whose gateway does not wait long for its database."""
    with running_stack(database_url, tmp_path, GATEWAY_DATABASE_TIMEOUT_SECONDS="1") as stack:
        yield stack


@contextmanager
def database_away(postgres: Postgres, stack: Stack) -> Iterator[None]:
    """The database ends its connections and takes no new ones."""
    name = stack.database_url.rpartition("/")[2]
    with psycopg.connect(postgres.dsn, autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        )
        yield
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())


async def until_settled(stack: Stack) -> None:
    await until(lambda: stack.spend_log() and not stack.reservations())


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/chat/completions"])
async def test_a_client_that_hangs_up_pays_for_what_was_generated(
    own_stack: Stack, path: str
) -> None:
    stack = own_stack
    key = stack.gateway.new_key()
    stack.emulator.scenario({"kind": "slow", "seconds": 0.01, "times": 1})

    async with (
        http(1) as client,
        client.stream(
            "POST",
            stack.gateway.public_url + path,
            json=question(300, stream=True),
            headers={"x-api-key": key},
        ) as response,
    ):
        async for _ in response.aiter_bytes():
            break  # the first bytes, and away

    await until_settled(stack)
    (row,) = stack.spend_log()
    assert (row["ending"], row["output_tokens"], row["estimated"]) == (
        "client_disconnected",
        300,
        False,
    )
    assert_spend_equals_the_bill(stack)


async def test_a_database_that_is_away_is_a_503_and_never_a_401(
    impatient_stack: Stack, postgres: Postgres
) -> None:
    stack = impatient_stack
    known, unknown = stack.gateway.new_key(), "sk-unknown-to-everybody"
    async with http(5) as client:
        before = await ask(client, stack.gateway, known, question(5, stream=False))
        with database_away(postgres, stack):
            during = await asyncio.gather(
                ask(client, stack.gateway, known, question(5, stream=False)),
                ask(client, stack.gateway, unknown, question(5, stream=False)),
            )
            ready = await client.get(f"{stack.gateway.internal_url}/health/readiness")
            alive = await client.get(f"{stack.gateway.internal_url}/health/liveliness")
        readiness = f"{stack.gateway.internal_url}/health/readiness"
        await until(lambda: httpx.get(readiness).status_code == 200)
        after = await ask(client, stack.gateway, known, question(5, stream=False))

    assert [before.status_code, after.status_code] == [200, 200]
    assert [answer.status_code for answer in during] == [503, 503]
    assert (ready.status_code, alive.status_code) == (503, 200)
    assert_spend_equals_the_bill(stack)


async def test_settlements_wait_on_disk_while_the_database_is_away(
    impatient_stack: Stack, postgres: Postgres
) -> None:
    stack = impatient_stack
    key = stack.gateway.new_key()
    stack.emulator.scenario({"kind": "slow", "seconds": 0.02})
    async with http(1) as client:
        asking = asyncio.create_task(ask(client, stack.gateway, key, question(100, stream=True)))
        await until(stack.emulator.received)
        with database_away(postgres, stack):
            answer = await asking
            spooled = [file.stat() for file in (stack.directory / "spool").glob("*.json")]

    assert answer.status_code == 200
    assert '"message_stop"' in answer.text
    assert [stat.S_IMODE(file.st_mode) for file in spooled] == [0o600]
    await until_settled(stack)
    assert_spend_equals_the_bill(stack)


async def test_answers_that_outlast_the_shutdown_end_in_order_and_are_billed_at_what_they_held(
    database_url: str, tmp_path: Path
) -> None:
    with running_stack(database_url, tmp_path, GATEWAY_SHUTDOWN_SECONDS="0") as stack:
        key = stack.gateway.new_key()
        stack.emulator.scenario({"kind": "slow", "seconds": 0.05})
        async with http(1) as client:
            asking = asyncio.create_task(
                ask(client, stack.gateway, key, question(4000, stream=True))
            )
            await until(stack.emulator.received)
            code = await asyncio.to_thread(stack.gateway.stop)
            answer = await asking

        assert code == 0
        last = answer.text.rstrip().rpartition("data: ")[2]
        assert json.loads(last)["error"]["type"] == "overloaded_error"
        assert stack.reservations() == []
        (row,) = stack.spend_log()
        assert row["estimated"]
        assert row["cost"] >= billed(stack.emulator.usage())


async def test_a_stalled_upstream_is_filled_with_pings(database_url: str, tmp_path: Path) -> None:
    quick = {"GATEWAY_PING_INTERVAL_SECONDS": "0.1", "GATEWAY_FIRST_EVENT_TIMEOUT_SECONDS": "0.1"}
    with running_stack(database_url, tmp_path, **quick) as stack:
        key = stack.gateway.new_key()
        stack.emulator.scenario({"kind": "stall", "seconds": 0.5})
        async with http(1) as client:
            answer = await ask(client, stack.gateway, key, question(5, stream=True))

    assert answer.status_code == 200
    assert answer.text.startswith('event: ping\ndata: {"type":"ping"}\n\n')
    assert answer.text.rstrip().endswith('data: {"type":"message_stop"}')


async def test_an_upstream_that_never_answers_is_a_504_and_billed_as_an_estimate(
    database_url: str, tmp_path: Path
) -> None:
    quick = {"GATEWAY_BEDROCK_READ_TIMEOUT_SECONDS": "0.2"}
    with running_stack(database_url, tmp_path, **quick) as stack:
        key = stack.gateway.new_key()
        stack.emulator.scenario({"kind": "stall"})
        async with http(1) as client:
            answer = await ask(client, stack.gateway, key, question(5, stream=False))

        assert answer.status_code == 504
        (row,) = stack.spend_log()
        assert (row["ending"], row["estimated"]) == ("upstream_failed", True)
        assert row["cost"] > 0


async def test_an_upstream_that_cannot_be_reached_is_a_502_and_costs_nothing(
    database_url: str, tmp_path: Path
) -> None:
    with gateway_process(database_url, "http://127.0.0.1:9", tmp_path) as gateway:
        key = gateway.new_key()
        async with http(2) as client:
            messages = await ask(client, gateway, key, question(5, stream=True))
            chat = await client.post(
                f"{gateway.public_url}/v1/chat/completions",
                json=question(5, stream=True),
                headers={"x-api-key": key},
            )
        spend = gateway.admin("GET", "/key/info", key=key)["info"]["spend"]

    assert (messages.status_code, chat.status_code, spend) == (502, 502, 0)
