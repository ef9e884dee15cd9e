from collections.abc import Sequence
from hashlib import sha256

from app.catalog.catalog import shipped_models
from app.catalog.model import Model
from app.core.usage import Usage
from app.local.emulator.cache import PromptCache
from app.local.emulator.prompt import Lifetime, Segment
from tests.unit.local.emulator.client import HAIKU, Client, body


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def model(name: str = "claude-sonnet-4-5") -> Model:
    return next(m for m in shipped_models() if m.name == name)


def block(name: str, tokens: int, cache: Lifetime | None = None) -> Segment:
    return Segment(sha256(name.encode()).digest(), tokens, cache)


def charge(cache: PromptCache, *prompt: Segment, of: Model | None = None) -> Usage:
    return cache.charge(of or model(), prompt)


def test_a_prompt_without_marks_is_plain_input() -> None:
    assert charge(PromptCache(Clock()), block("a", 5000)) == Usage(input_tokens=5000)


def test_a_marked_prefix_is_written_once_and_then_read() -> None:
    cache = PromptCache(Clock())
    prompt = (block("a", 2000, "5m"), block("b", 30))

    assert charge(cache, *prompt) == Usage(input_tokens=30, cache_write_5m_tokens=2000)
    assert charge(cache, *prompt) == Usage(input_tokens=30, cache_read_tokens=2000)


def test_marks_of_an_hour_are_written_as_such() -> None:
    prompt = (block("a", 2000, "1h"), block("b", 500, "5m"), block("c", 30))

    assert charge(PromptCache(Clock()), *prompt) == Usage(
        input_tokens=30, cache_write_1h_tokens=2000, cache_write_5m_tokens=500
    )


def test_a_longer_conversation_reads_what_is_there_and_writes_the_rest() -> None:
    cache = PromptCache(Clock())
    charge(cache, block("a", 2000, "5m"), block("b", 100, "5m"))

    second = charge(cache, block("a", 2000, "5m"), block("b", 100), block("c", 40, "5m"))

    assert second == Usage(cache_read_tokens=2100, cache_write_5m_tokens=40)


def test_a_change_before_the_mark_is_a_miss() -> None:
    cache = PromptCache(Clock())
    charge(cache, block("a", 2000), block("b", 100, "5m"))

    changed = charge(cache, block("A", 2000), block("b", 100, "5m"))

    assert changed == Usage(cache_write_5m_tokens=2100)


def test_another_model_does_not_read_it() -> None:
    cache = PromptCache(Clock())
    charge(cache, block("a", 5000, "5m"))

    assert charge(cache, block("a", 5000, "5m"), of=model("claude-haiku-4-5")) == Usage(
        cache_write_5m_tokens=5000
    )


def test_an_entry_lives_for_its_time_and_a_hit_renews_it() -> None:
    clock = Clock()
    cache = PromptCache(clock)
    read, written = Usage(cache_read_tokens=2000), Usage(cache_write_5m_tokens=2000)

    assert charge(cache, block("a", 2000, "5m")) == written
    clock.seconds += 299
    assert charge(cache, block("a", 2000, "5m")) == read
    clock.seconds += 299
    assert charge(cache, block("a", 2000, "5m")) == read
    clock.seconds += 300
    assert charge(cache, block("a", 2000, "5m")) == written


def test_a_prefix_below_the_models_minimum_is_not_cached() -> None:
    cache = PromptCache(Clock())
    minima = {
        "claude-haiku-4-5": 4096,
        "claude-opus-4-7": 2048,
        "claude-sonnet-5": 1024,
        "claude-opus-5-5": 512,
    }
    for name, least in minima.items():
        short, long = block("a", least - 1, "5m"), block("b", least, "5m")
        assert charge(cache, short, of=model(name)) == Usage(input_tokens=least - 1)
        assert charge(cache, long, of=model(name)) == Usage(cache_write_5m_tokens=least)


def test_only_twenty_blocks_before_a_mark_are_looked_at() -> None:
    def after(count: int) -> Usage:
        cache = PromptCache(Clock())
        charge(cache, block("a", 2000, "5m"))
        filling: Sequence[Segment] = [block(f"f{number}", 1) for number in range(count - 1)]
        return charge(cache, block("a", 2000), *filling, block("z", 1, "5m"))

    assert after(20).cache_read_tokens == 2000
    assert after(21).cache_read_tokens == 0


async def test_over_the_wire_the_usage_says_what_was_written_and_read(client: Client) -> None:
    system = [{"type": "text", "text": "x" * 20_000, "cache_control": {"type": "ephemeral"}}]
    first = (await client.invoke(body(system=system))).json()["usage"]
    start = (await client.stream(body("Another", system=system)))[0]
    second = start["message"]["usage"]

    assert first["cache_creation_input_tokens"] == second["cache_read_input_tokens"] > 5000
    assert (
        first["cache_creation"]["ephemeral_5m_input_tokens"]
        == (first["cache_creation_input_tokens"])
    )
    assert first["cache_read_input_tokens"] == second["cache_creation_input_tokens"] == 0
    rows = client.emulator.usage()
    assert [row["model"] for row in rows] == [HAIKU, HAIKU]
    assert rows[1]["cache_read_input_tokens"] == second["cache_read_input_tokens"]


async def test_over_the_wire_a_mark_that_moves_on_leaves_the_prefix_the_same(
    client: Client,
) -> None:
    long = "y" * 20_000
    marked = {"type": "text", "text": long, "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    first = await client.invoke(body(messages=[{"role": "user", "content": [marked]}]))
    turns = [
        {"role": "user", "content": long},
        {"role": "assistant", "content": "Hi"},
        {"role": "user", "content": [{**marked, "text": "More"}]},
    ]

    second = await client.invoke(body(messages=turns))

    written = first.json()["usage"]["cache_creation"]["ephemeral_1h_input_tokens"]
    assert second.json()["usage"]["cache_read_input_tokens"] == written > 0
