"""Claude Code with every kind of model name, and in its other ways of talking to a gateway."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.claude_code import run_claude
from tests.support.stack import Stack, assert_spend_equals_the_bill, running_stack


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("opus", "claude-opus-5-5"),
        ("fable", "claude-fable-5-2"),
        ("claude-opus-4-8", "claude-opus-4-8"),
        ("claude-sonnet-4-6[1m]", "claude-sonnet-4-6"),
        ("claude-opus-4-5", "claude-opus-4-5"),
    ],
)
async def test_each_name_is_answered_in_one_request(
    stack: Stack, asked: str, answered: str
) -> None:
    alias = f"models-{asked}"
    key = stack.gateway.new_key(key_alias=alias)

    run = await run_claude(stack.gateway.public_url, key, "[[say=Yes.]]", model=asked)

    calls = [o for o in stack.gateway.outcomes() if o["key_alias"] == alias]
    assert (run.exit_code, run.text) == (0, "Yes.")
    assert [(c["status"], c["model"]) for c in calls] == [(200, answered)]


async def test_an_operators_alias_is_answered(database_url: str, tmp_path: Path) -> None:
    aliases = json.dumps({"team-claude": "claude-haiku-5-5", "claude-next-*": "claude-opus-5-5"})
    with running_stack(database_url, tmp_path, GATEWAY_MODEL_ALIASES=aliases) as stack:
        key = stack.gateway.new_key()
        own = await run_claude(stack.gateway.public_url, key, "[[say=A]]", model="team-claude")
        family = await run_claude(stack.gateway.public_url, key, "[[say=B]]", model="claude-next-9")
        models = [outcome["model"] for outcome in stack.gateway.outcomes()]

    assert (own.text, family.text) == ("A", "B")
    assert models == ["claude-haiku-5-5", "claude-opus-5-5"]


async def test_the_cloud_safe_mode_works_too(stack: Stack) -> None:
    run = await run_claude(
        stack.gateway.public_url,
        stack.gateway.new_key(),
        "[[say=Safe.]]",
        env={"CLAUDE_CODE_USE_GATEWAY": "1"},
    )

    assert (run.exit_code, run.text) == (0, "Safe.")


async def test_a_second_turn_reads_the_first_ones_prompt_from_the_cache(
    own_stack: Stack, tmp_path: Path
) -> None:
    stack, home = own_stack, tmp_path / "home"
    home.mkdir()
    key = stack.gateway.new_key()
    url = stack.gateway.public_url

    await run_claude(url, key, "[[say=One.]]", home=home)
    second = await run_claude(url, key, "[[say=Two.]]", args=["--continue"], home=home)

    assert (second.exit_code, second.text) == (0, "Two.")
    first_row, second_row = stack.spend_log()
    assert first_row["cache_write_5m_tokens"] + first_row["cache_write_1h_tokens"] > 0
    assert second_row["cache_read_tokens"] >= first_row["cache_read_tokens"] > -1
    assert second_row["cache_read_tokens"] > 1_000


async def test_an_answer_by_a_json_schema_comes_back_as_json(own_stack: Stack) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    own_stack.emulator.scenario(
        {"kind": "tool_then_text", "tool": "StructuredOutput", "input": {"city": "Bergen"}}
    )

    run = await run_claude(
        own_stack.gateway.public_url,
        own_stack.gateway.new_key(),
        "Which city?",
        model="claude-sonnet-4-5",
        args=["--json-schema", json.dumps(schema)],
    )

    assert run.exit_code == 0
    assert run.output["structured_output"] == {"city": "Bergen"}


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)


def one_page_pdf() -> bytes:
    """The smallest that a reader takes: a catalogue, a page, and where they are."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 72 72]>>",
    ]
    body, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj%bendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return body + (
        b"xref\n0 4\n0000000000 65535 f \n%btrailer<</Size 4/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n"
        % (table, len(body))
    )


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [("dot.png", PNG, "image"), ("page.pdf", one_page_pdf(), "document")],
    ids=["image", "document"],
)
async def test_a_file_in_a_tool_result_reaches_bedrock(
    own_stack: Stack, tmp_path: Path, name: str, content: bytes, kind: str
) -> None:
    work = tmp_path / "home" / "work"
    work.mkdir(parents=True)
    (work / name).write_bytes(content)
    own_stack.emulator.scenario(
        {"kind": "tool_then_text", "tool": "Read", "input": {"file_path": str(work / name)}}
    )

    run = await run_claude(
        own_stack.gateway.public_url,
        own_stack.gateway.new_key(),
        "What is in the file?",
        model="claude-sonnet-4-5",
        args=["--allowedTools", "Read"],
        home=tmp_path / "home",
    )

    assert run.exit_code == 0
    last = own_stack.emulator.received()[-1]["body"]["messages"]
    assert f'"type": "{kind}"' in json.dumps(last)


async def test_discovery_finds_the_models_that_the_key_may_use(
    stack: Stack, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    key = stack.gateway.new_key(models=["claude-haiku-4-5", "claude-opus-5-5"])

    run = await run_claude(
        stack.gateway.public_url,
        key,
        "[[say=Found.]]",
        env={"CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY": "1"},
        home=home,
    )

    kept = (home / ".claude" / "cache" / "gateway-models.json").read_text()
    assert run.exit_code == 0
    assert "claude-haiku-4-5" in kept
    assert "Claude Opus 5.5" in kept
    assert "claude-sonnet-5-5" not in kept


async def test_subagents_are_answered_at_the_same_time(own_stack: Stack) -> None:
    own_stack.emulator.scenario(
        {
            "kind": "tool_then_text",
            "tool": "Agent",
            "input": {
                "description": "Say hello",
                "prompt": "Say hello",
                "subagent_type": "general-purpose",
            },
            "calls": 3,
            "times": 1,
        },
        {"kind": "slow", "seconds": 0.05},
    )
    key = own_stack.gateway.new_key(key_alias="agents")

    run = await run_claude(own_stack.gateway.public_url, key, "Ask a helper.")

    calls = [o for o in own_stack.gateway.outcomes() if o["key_alias"] == "agents"]
    assert run.exit_code == 0
    assert len(calls) >= 5
    assert at_once(own_stack.spend_log()) >= 2
    assert {call["status"] for call in calls} == {200}
    assert len({call["session_id"] for call in calls}) == 1
    assert_spend_equals_the_bill(own_stack)


def at_once(rows: list[dict[str, Any]]) -> int:
    """How many of the requests were under way at one time, at most."""
    return max(
        len([o for o in rows if o["started_at"] <= row["started_at"] < o["finished_at"]])
        for row in rows
    )
