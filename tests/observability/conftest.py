"""The gateway under a mixed load, watched by VictoriaMetrics, vmalert and Alertmanager."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import yaml

from tests.observability.files import LOCAL_ALERTMANAGER, recorded
from tests.observability.servers import (
    VictoriaMetrics,
    alertmanager,
    free_port,
    quick,
    require,
    victoria_metrics,
    vmalert,
    webhook,
)
from tests.support.stack import Stack, running_stack
from tests.support.waiting import until

HAIKU, OPUS = "claude-haiku-4-5", "claude-opus-5-5"


@dataclass(frozen=True, slots=True)
class Watched:
    """A gateway that has done some work, and those who saw it."""

    stack: Stack
    metrics: VictoriaMetrics
    messages: list[dict[str, Any]]
    """Alerts that have come out at the end."""


@pytest.fixture(scope="module")
def watched(
    module_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Watched]:
    require("victoria-metrics", "vmalert", "prometheus-alertmanager")
    folder = tmp_path_factory.mktemp("observability")
    ports = {"vmalert": free_port(), "alertmanager": free_port()}
    with running_stack(module_database_url, folder) as stack, webhook() as (hook, messages):
        targets = {job: [f"127.0.0.1:{port}"] for job, port in ports.items()}
        targets["gateway"] = [stack.gateway.internal_url.removeprefix("http://")]
        with (
            victoria_metrics(folder, targets) as metrics,
            alertmanager(folder, delivering_to(hook), ports["alertmanager"]) as alerts,
            vmalert(folder, metrics, alerts, quick(folder / "rules"), ports["vmalert"]),
        ):
            asyncio.run(load(stack, metrics))
            yield Watched(stack, metrics, messages)


def delivering_to(hook: str) -> str:
    """The configuration of one's own machine, but that its messages go somewhere, and at once."""
    configuration = yaml.safe_load(LOCAL_ALERTMANAGER.read_text())
    configuration["route"] |= {"group_wait": "0s", "group_interval": "1s"}
    configuration["receivers"][0]["webhook_configs"] = [{"url": hook}]
    return yaml.safe_dump(configuration)


def question(model: str, *, stream: bool) -> dict[str, Any]:
    cached = {"type": "text", "text": "x" * 40_000, "cache_control": {"type": "ephemeral"}}
    return {
        "model": model,
        "max_tokens": 100,
        "stream": stream,
        "system": [cached],
        "messages": [{"role": "user", "content": "[[tokens=20]]"}],
    }


WINDOW = "36500d"
"""Of a budget: it ends in decades. On the last day of a month a monthly one has next to no time
left, and no forecast says that it will be used up before."""


async def load(stack: Stack, metrics: VictoriaMetrics) -> None:
    """Twice, so that every counter is seen to rise."""
    users = {"ada": 5.0, "bob": 5.0, "poor": 0.000001}
    keys = {
        user: stack.gateway.admin(
            "POST", "/user/new", user_id=user, max_budget=budget, budget_duration=WINDOW,
            key_alias=f"laptop-of-{user}",
        )["key"]
        for user, budget in users.items()
    }  # fmt: skip
    keys["alone"] = stack.gateway.new_key(
        key_alias="alone", max_budget=1, soft_budget=0.0001, budget_duration="1d"
    )
    for times in (1, 2):
        await wave(stack, keys)
        await until(lambda times=times: seen(metrics) >= times * ANSWERED)  # type: ignore[misc]
    await until(lambda: all(metrics.query(name) for name in recorded()))


MODELS = (HAIKU, OPUS)
ANSWERED = 3 * 2 * len(MODELS)


def seen(metrics: VictoriaMetrics) -> float:
    rows = metrics.query('sum(gateway_requests_total{ending="completed"})')
    return float(rows[0]["value"][1]) if rows else 0


async def wave(stack: Stack, keys: dict[str, str]) -> None:
    async with httpx.AsyncClient(base_url=stack.gateway.public_url, timeout=60) as client:

        async def ask(user: str, model: str, *, stream: bool) -> int:
            headers = {"x-api-key": keys.get(user, "sk-nobody")}
            body = question(model, stream=stream)
            return (await client.post("/v1/messages", json=body, headers=headers)).status_code

        stack.emulator.scenario()
        statuses = await asyncio.gather(
            *(
                ask(u, m, stream=s)
                for u in ("ada", "bob", "alone")
                for m in MODELS
                for s in (False, True)
            )
        )
        assert set(statuses) == {200}
        assert await ask("poor", HAIKU, stream=False) == 429
        assert await ask("nobody", HAIKU, stream=False) == 401
        stack.emulator.scenario({"kind": "throttle", "times": 3})
        assert await ask("ada", HAIKU, stream=False) == 429
        stack.emulator.scenario({"kind": "exception_mid_stream"})
        for _ in range(4):
            await ask("ada", HAIKU, stream=True)
        stack.emulator.scenario()
