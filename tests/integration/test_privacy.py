"""What people ask and are answered, and every secret, is searched for in all that is kept."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql

from app.local.postgres import Postgres
from tests.integration.test_faults import database_away
from tests.support.langfuse import SECRET as LANGFUSE_SECRET
from tests.support.langfuse import Langfuse, langfuse_server
from tests.support.processes import EMULATOR, MASTER_KEY, starting_python
from tests.support.stack import Stack, running_stack
from tests.support.waiting import until

HAIKU = "claude-haiku-4-5"
ASKED, SYSTEM, TOOL, ANSWERED = (f"marker-{of}-5e1f" for of in ("asked", "system", "tool", "said"))
MARKERS = (ASKED, SYSTEM, TOOL, ANSWERED)
API_FORMATS = ("/v1/messages", "/v1/chat/completions", f"/bedrock/model/{HAIKU}/invoke")


@dataclass(frozen=True, slots=True)
class Observed:
    """A gateway that has answered all kinds of requests, and where it wrote something down."""

    stack: Stack
    langfuse: Langfuse
    content: str
    """Of traces, as it is set."""
    keys: tuple[str, ...]

    @property
    def spool(self) -> str:
        files = (one for one in (self.stack.directory / "spool").rglob("*") if one.is_file())
        return "\n".join(one.read_text() for one in files)

    @property
    def sinks(self) -> dict[str, str]:
        """All that is kept or sent, as text."""
        gateway = self.stack.gateway
        return {
            "log": gateway.written(),
            "database": "\n".join(_rows(self.stack.database_url)),
            "metrics": gateway.metrics(),
            "traces": str([self.langfuse.spans, self.langfuse.requests]),
            "spool": self.spool,
            "process list": subprocess.run(
                ["ps", "-ww", "-o", "args", "-p", str(gateway.process.pid)],
                check=True,
                capture_output=True,
                text=True,
            ).stdout,
        }

    def where(self, *words: str) -> set[str]:
        return {name for name, text in self.sinks.items() if any(word in text for word in words)}


def _rows(database_url: str) -> Iterator[str]:
    """Every row of every table."""
    with psycopg.connect(database_url) as connection:
        tables = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        ).fetchall()
        for (table,) in tables:
            rows = connection.execute(
                sql.SQL("SELECT t::text FROM {} AS t").format(sql.Identifier(table))
            )
            yield from (row for (row,) in rows)


def asked_in(path: str, **changes: Any) -> dict[str, Any]:
    """A request with a marker in each place that holds text."""
    tool = {"type": "object", "properties": {TOOL: {"type": "string"}}}
    if path == "/v1/chat/completions":
        return {
            "model": HAIKU,
            "messages": [
                {"role": "system", "content": SYSTEM},
                {"role": "user", "content": f"{ASKED} [[tokens=5]]"},
            ],
            "tools": [{"type": "function", "function": {"name": "note", "parameters": tool}}],
            **changes,
        }
    asked = {
        "max_tokens": 50,
        "system": SYSTEM,
        "messages": [{"role": "user", "content": f"{ASKED} [[tokens=5]]"}],
        "tools": [{"name": "note", "input_schema": tool}],
        **changes,
    }
    if path == "/v1/messages":
        return {"model": HAIKU, **asked}
    asked.pop("stream", None)
    return {"anthropic_version": "bedrock-2023-05-31", **asked}


def ask(stack: Stack, key: str, path: str, **changes: Any) -> httpx.Response:
    return httpx.post(
        stack.gateway.public_url + path,
        json=asked_in(path, **changes),
        headers={"authorization": f"Bearer {key}"},
        timeout=30,
    )


def live(stack: Stack) -> tuple[str, ...]:
    """All that may happen to a request. Returns the keys that were used."""
    good, poor = stack.gateway.new_key(), stack.gateway.new_key(max_budget=0)
    unknown = "sk-marker-of-an-unknown-key"
    calls = {"kind": "tool_then_text", "tool": "note", "input": {"note": ANSWERED}, "calls": 1}
    for path in API_FORMATS:
        for stream in (False, True):
            stack.emulator.scenario(calls)
            answer = ask(stack, good, path, stream=stream)
            assert ANSWERED in answer.text.replace("\\", ""), answer.text
        stack.emulator.scenario({"kind": "throttle"})
        assert ask(stack, good, path).status_code == 429
        stack.emulator.scenario()
        assert ask(stack, poor, path).status_code == 429
        assert ask(stack, unknown, path).status_code == 401
        assert ask(stack, good, path, messages=[{"role": ASKED, "content": 5}]).status_code == 400
    stack.emulator.scenario({"kind": "break_mid_stream", "after": 2})
    ask(stack, good, "/v1/messages", stream=True)
    stack.emulator.scenario({"kind": "slow", "seconds": 0.05})
    with (
        httpx.Client(timeout=30) as client,
        client.stream(
            "POST",
            f"{stack.gateway.public_url}/v1/messages",
            json=asked_in("/v1/messages", stream=True),
            headers={"x-api-key": good},
        ) as answer,
    ):
        next(answer.iter_bytes())
    stack.emulator.scenario()
    stack.gateway.try_admin("POST", "/key/generate", key_alias=5, metadata=ASKED)
    return good, poor, unknown


@pytest.fixture(scope="module", params=["off", "full"])
def observed(
    request: pytest.FixtureRequest,
    module_database_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Observed]:
    """With traces that hold what was asked and answered, and with those that do not."""
    settings = {"GATEWAY_LANGFUSE_CONTENT": request.param, "GATEWAY_DATABASE_TIMEOUT_SECONDS": "1"}
    with langfuse_server() as langfuse:
        directory = tmp_path_factory.mktemp("observed")
        with (
            starting_python(),  # a list of processes names the fork server instead
            running_stack(
                module_database_url, directory, **settings, **langfuse.settings()
            ) as stack,
        ):
            keys = live(stack)
            yield Observed(stack, langfuse, request.param, keys)


async def test_prompts_and_answers_are_nowhere_but_in_traces_that_are_to_hold_them(
    observed: Observed,
) -> None:
    await until(lambda: len(observed.langfuse.generations()) >= 9)
    wanted = {"traces"} if observed.content == "full" else set()

    assert {marker: observed.where(marker) for marker in MARKERS} == dict.fromkeys(MARKERS, wanted)


def test_keys_and_passwords_are_nowhere(observed: Observed) -> None:
    password = psycopg.conninfo.conninfo_to_dict(observed.stack.database_url)["password"]
    secrets = (*observed.keys, MASTER_KEY, str(password), EMULATOR.secret_key, LANGFUSE_SECRET)

    assert observed.where(*secrets) == set()


def test_the_search_would_find_what_is_there(observed: Observed) -> None:
    assert observed.where(HAIKU) >= {"log", "database", "metrics", "traces"}
    assert observed.where("app.main") == {"process list"}


def test_what_waits_for_the_database_holds_neither(observed: Observed, postgres: Postgres) -> None:
    stack, key = observed.stack, observed.stack.gateway.new_key()
    long = [{"role": "user", "content": f"{ASKED} [[tokens=100]]"}]
    stack.emulator.scenario({"kind": "slow", "seconds": 0.02})
    with (
        httpx.Client(timeout=30) as client,
        client.stream(
            "POST",
            f"{stack.gateway.public_url}/v1/messages",
            json=asked_in("/v1/messages", stream=True, max_tokens=200, messages=long),
            headers={"x-api-key": key},
        ) as answer,
    ):
        chunks = answer.iter_bytes()
        next(chunks)
        with database_away(postgres, stack):
            for _ in chunks:
                pass
            waiting = observed.spool

    assert '"request_id"' in waiting
    assert not [word for word in (*MARKERS, key) if word in waiting]
