"""Bodies that are harmless only if nobody trusts them: JSON, encodings, addresses."""

import json
from typing import Any

import httpx
import pytest

from tests.hostile.wire import GOOD
from tests.support.bedrock import HAIKU
from tests.support.stack import Stack

BEDROCK = f"/bedrock/model/{HAIKU}/invoke"
INFERENCE = ("/v1/messages", "/v1/chat/completions", BEDROCK)
PICTURE = "http://169.254.169.254/latest/meta-data/"


@pytest.mark.parametrize("path", INFERENCE)
def test_of_a_name_that_stands_twice_bedrock_is_sent_the_value_that_was_checked(
    stack: Stack, client: httpx.Client, path: str
) -> None:
    twice = (
        b'{"max_tokens":64000,"model":"claude-opus-5-5","messages":[{"role":"user","content":"a"}],'
        b'"anthropic_version":"bedrock-2023-05-31","max_tokens":7,"model":"claude-haiku-4-5",'
        b'"messages":[{"role":"user","content":"b"}]}'
    )
    if path == BEDROCK:
        twice = twice.replace(b'"model":"claude-opus-5-5",', b"").replace(
            b'"model":"claude-haiku-4-5",', b""
        )

    assert client.post(path, content=twice).status_code == 200

    received = stack.emulator.received()[-1]
    assert HAIKU.replace(":", "%3A") in received["path"]
    assert received["body"]["max_tokens"] == 7
    assert "a" not in json.dumps(received["body"]["messages"]).replace("ass", "")


@pytest.mark.parametrize("path", INFERENCE)
@pytest.mark.parametrize("number", ["18446744073709551616", "-9223372036854775809", "9" * 300])
def test_integers_of_any_size_reach_bedrock_with_all_of_their_digits(
    stack: Stack, client: httpx.Client, path: str, number: str
) -> None:
    schema = f'{{"type":"object","properties":{{"id":{{"maximum":{number}}}}}}}'
    tool = f'{{"name":"find","input_schema":{schema}}}'
    if path == "/v1/chat/completions":
        tool = f'{{"type":"function","function":{{"name":"find","parameters":{schema}}}}}'
    body = json.dumps(GOOD)[:-1] + f',"tools":[{tool}]}}'
    if path == BEDROCK:
        body = body.replace('"model": "claude-haiku-4-5", ', "")

    assert client.post(path, content=body.encode()).status_code == 200

    received = stack.emulator.received()[-1]["body"]
    assert received["tools"][0]["input_schema"]["properties"]["id"]["maximum"] == int(number)


@pytest.mark.parametrize("path", INFERENCE)
@pytest.mark.parametrize(
    "content",
    [
        b'{"max_tokens":18446744073709551621,"messages":[{"role":"user","content":"a"}]}',
        b'{"max_tokens":1e400,"messages":[{"role":"user","content":"a"}]}',
        b'{"max_tokens":Infinity,"messages":[]}',
        b'{"a":"\\ud800"}',
        b'{"a":"\\udc00\\ud800"}',
        b'\xef\xbb\xbf{"max_tokens":1}',
        '{"max_tokens":1}'.encode("utf-16"),
        b'{"max_tokens":1}{"max_tokens":2}',
        b'{"max_tokens":1}\x00',
        b'{"max_tokens":01}',
        b"{'max_tokens':1}",
        b'{"max_tokens":1,}',
        b'{"a":/**/1}',
        b'{"a":"\x01"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a":[{"b":' * 500 + b"1" + b"}]}" * 500,
        b'{"max_tokens":5' + b"0" * 1_000_000 + b"}",
    ],
    ids=repr,
)
def test_json_that_others_may_read_otherwise_is_a_400(
    stack: Stack, client: httpx.Client, path: str, content: bytes
) -> None:
    response = client.post(path, content=content)

    assert response.status_code == 400, response.text
    assert response.headers["request-id"].startswith("req_")


@pytest.mark.parametrize("path", INFERENCE)
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip"])
def test_compressed_bodies_are_refused_before_they_are_opened(
    stack: Stack, client: httpx.Client, path: str, encoding: str
) -> None:
    response = client.post(
        path, content=b"\x1f\x8b" + bytes(1000), headers={"content-encoding": encoding}
    )

    assert response.status_code == (400 if path.startswith("/bedrock/") else 415)
    assert "uncompressed" in response.text


@pytest.mark.parametrize("port", ["public", "internal"])
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/chat/completions"])
@pytest.mark.parametrize(
    "part",
    [
        {"type": "image", "source": {"type": "url", "url": PICTURE}},
        {"type": "document", "source": {"type": "url", "url": PICTURE}},
        {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
        {"type": "image", "source": {"type": "file", "file_id": PICTURE}},
        {"type": "image_url", "image_url": {"url": PICTURE}},
        {"type": "image_url", "image_url": {"url": "file:///etc/passwd"}},
        {"type": "image_url", "image_url": {"url": "data:text/html;base64,eA=="}},
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "file", "file": {"file_data": PICTURE}},
        {"type": "input_audio", "input_audio": {"data": PICTURE, "format": "wav"}},
    ],
    ids=str,
)
def test_nothing_is_fetched_for_a_client(
    stack: Stack, client: httpx.Client, port: str, path: str, part: dict[str, Any]
) -> None:
    before = len(stack.emulator.received())
    result = {"type": "tool_result", "tool_use_id": "a", "content": [part]}
    for content in ([part], [result]):
        response = client.post(
            getattr(stack.gateway, f"{port}_url") + path,
            json={**GOOD, "messages": [{"role": "user", "content": content}]},
        )
        assert response.status_code == 400, response.text
    asked = stack.emulator.received()[before:]
    assert all(part["type"] in {"image_url", "file", "input_audio"} for _ in asked)


def test_in_bedrock_mode_addresses_are_refused_by_bedrock(client: httpx.Client) -> None:
    part = {"type": "image", "source": {"type": "url", "url": PICTURE}}
    body = {"max_tokens": 5, "messages": [{"role": "user", "content": [part]}]}

    assert client.post(BEDROCK, content=json.dumps(body).encode()).status_code == 400
