"""Health checks are answered whatever a crowd does, and while the database is away."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.hostile.crowd import anthropic, crowd, text
from tests.support.stack import Stack, running_stack


async def liveness(stack: Stack, seconds: float) -> float:
    """The longest answer of the liveness check."""
    longest = 0.0
    ends = time.monotonic() + seconds
    async with httpx.AsyncClient(timeout=30) as client:
        while time.monotonic() < ends:
            began = time.monotonic()
            answer = await client.get(f"{stack.gateway.public_url}/health/liveliness")
            assert answer.status_code == 200
            longest = max(longest, time.monotonic() - began)
            await asyncio.sleep(0.02)
    return longest


@pytest.mark.parametrize("database", ["there", "away"])
async def test_health_checks_do_not_queue_behind_a_crowd(own_stack: Stack, database: str) -> None:
    stack = own_stack
    key = stack.gateway.new_key()
    if database == "away":
        await crowd([stack.gateway], key, [anthropic(text(0, 5))])
        server, _, name = stack.database_url.rpartition("/")
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
            )
    busy = asyncio.create_task(
        crowd([stack.gateway], key, [anthropic(text(n, 5)) for n in range(300)])
    )

    longest = await liveness(stack, 3)

    busy.cancel()
    with suppress(asyncio.CancelledError):
        await busy
    assert longest < 3  # the image's own check gives up then


@pytest.fixture
def patient(database_url: str, tmp_path: Path) -> Iterator[Stack]:
    """A gateway that waits for its database for longer than a slow machine takes for the test."""
    settings = {"GATEWAY_DATABASE_TIMEOUT_SECONDS": "60"}
    with running_stack(database_url, tmp_path, **settings) as stack:
        yield stack


async def test_a_locked_budget_does_not_delay_another_key(patient: Stack) -> None:
    stack = patient
    locked, other = stack.gateway.new_key(max_budget=5), stack.gateway.new_key(max_budget=5)
    for key in (locked, other):
        await crowd([stack.gateway], key, [anthropic(text(0, 5))])
    (row,) = stack.query(
        "SELECT id FROM budget_counter WHERE scope = 'key' AND id = "
        "(SELECT key_id FROM spend_log ORDER BY started_at LIMIT 1)"
    )
    with psycopg.connect(stack.database_url) as connection:
        connection.execute("SELECT FROM budget_counter WHERE id = %s FOR UPDATE", (row["id"],))
        waiting = asyncio.create_task(
            crowd([stack.gateway], locked, [anthropic(text(n, 5)) for n in range(20)])
        )
        await asyncio.sleep(0.5)
        answers = await crowd([stack.gateway], other, [anthropic(text(n, 5)) for n in range(20)])
        assert not waiting.done()  # the lock was held for all of that time

    assert {answer.status_code for answer in answers} == {200}
    assert {answer.status_code for answer in await waiting} == {200}
