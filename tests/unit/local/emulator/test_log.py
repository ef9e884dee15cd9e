import asyncio
from datetime import datetime

from tests.unit.local.emulator.client import HAIKU, Client, body


async def test_every_billed_call_has_one_row_with_all_its_tokens(client: Client) -> None:
    reply = await client.invoke(body("[[tokens=7]]"))

    (row,) = client.emulator.usage()

    assert set(row) == {
        "request_id",
        "model",
        "input_tokens",
        "output_tokens",
        "cache_read_input_tokens",
        "cache_creation_input_tokens",
        "cache_creation_5m_input_tokens",
        "cache_creation_1h_input_tokens",
        "stream",
        "guardrail_units",
        "finished",
        "started_at",
    }
    assert row["request_id"] == reply.headers["x-amzn-requestid"]
    assert (row["model"], row["output_tokens"]) == (HAIKU, 7)
    assert datetime.fromisoformat(row["started_at"]).utcoffset() is not None


async def test_the_log_is_shown_and_emptied_over_the_wire(client: Client) -> None:
    url = f"{client.emulator.url}/__emulator__/usage"
    await client.invoke(body())
    async with client.http.get(url) as response:
        assert [dict(r) for r in client.emulator.usage()] == (await response.json())["requests"]

    async with client.http.delete(url) as response:
        assert await response.json() == {"requests": []}
    assert client.emulator.usage() == []


async def test_what_arrived_is_kept_without_credentials_refused_calls_too(client: Client) -> None:
    await client.invoke(body(stream=True))
    await client.invoke(b"no json")
    async with client.http.get(f"{client.emulator.url}/__emulator__/requests") as response:
        first, second = (await response.json())["requests"]

    assert first["path"] == f"/model/{HAIKU}/invoke"
    assert (first["model"], first["operation"]) == (HAIKU, "invoke")
    assert first["body"] == body(stream=True)
    assert second["body"] == "no json"
    assert first["headers"]["content-type"] == "application/json"
    assert "authorization" not in first["headers"]
    assert first["headers"]["authorization-scheme"] == "AWS4-HMAC-SHA256"


async def test_the_last_200_calls_are_kept(client: Client) -> None:
    for number in range(205):
        await client.invoke(body(str(number)))

    kept = [call["body"]["messages"][0]["content"] for call in client.emulator.received()]

    assert kept == [str(number) for number in range(5, 205)]


async def test_an_unknown_call_of_the_emulator_is_not_found(client: Client) -> None:
    async with client.http.get(f"{client.emulator.url}/__emulator__/other") as response:
        assert response.status == 404


async def test_two_hundred_streams_at_once_are_all_answered_and_billed(client: Client) -> None:
    streams = await asyncio.gather(*(client.stream(body("[[tokens=80]]")) for _ in range(200)))

    assert all(stream[-1]["type"] == "message_stop" for stream in streams)
    assert [row["output_tokens"] for row in client.emulator.usage()] == [80] * 200
