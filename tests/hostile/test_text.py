"""Text that is harmless only if nobody trusts it: in bodies, headers, filters and the log."""

import json
import re

import httpx
import pytest

from tests.hostile.wire import GOOD, answers
from tests.support.processes import MASTER_KEY
from tests.support.stack import Stack

ODD_TEXTS = (
    "__proto__", "constructor", "__class__", "prototype", "hasOwnProperty", "$ref", "{{7*7}}",
    "${jndi:ldap://x}", "../../etc/passwd", "'; DROP TABLE api_key; --", "%s%n", "\x1b[2J",
    "\r\nset-cookie: a=b", "\u2028\u2029", "\x85", "\ud7ff\ue000", "\U0001f600" * 50,
)  # fmt: skip


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_odd_text_is_text(client: httpx.Client, text: str) -> None:
    odd = {text: text, "a": {text: [text]}}
    message = {"role": "user", "content": [{"type": "text", "text": text or "x"}]}
    body = {**GOOD, **odd, "messages": [message], "metadata": {"user_id": text[:200]}}

    for path in ("/v1/messages", "/v1/chat/completions"):
        assert client.post(path, content=json.dumps(body).encode()).status_code in {200, 400}
        unknown = client.post(path, content=json.dumps({**GOOD, "model": text}).encode())
        assert unknown.status_code == 404
        assert list(unknown.headers) == list(dict.fromkeys(unknown.headers))
        assert "set-cookie" not in unknown.headers


@pytest.mark.parametrize(
    "name",
    [
        "user-agent", "anthropic-version", "anthropic-beta", "x-claude-code-session-id",
        "x-session-id", "x-gateway-tags", "x-litellm-tags", "x-claude-code-agent-id", "traceparent",
        "x-request-id", "x-forwarded-for", "referer", "accept", "content-type", "authorization",
        "x-api-key",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "value", [b"\x1b[2J{}\"'", b"\xff\xfe\x85\xa0", b'a","level":"x', b"a" * 9000]
)
def test_odd_headers_are_answered_and_logged_in_one_line(
    stack: Stack, key: str, name: str, value: bytes
) -> None:
    body = json.dumps(GOOD).encode()
    request = b"\r\n".join(
        [
            b"POST /v1/messages HTTP/1.1",
            b"Host: x",
            b"Connection: close",
            f"Content-Length: {len(body)}".encode(),
            f"x-api-key: {key}".encode() if name != "x-api-key" else b"X: y",
            name.encode() + b": " + value,
            b"",
            body,
        ]
    )

    (status,) = answers(stack.gateway.public_url, request).statuses

    expected = {400} if b"\x1b" in value else {200, 401}
    assert status in expected


LISTS = ("/user/list", "/key/list", "/audit/logs", "/spend/logs", "/spend/logs/v2", "/spend/report")
INJECTIONS = (
    "' OR '1'='1", "'; DROP TABLE api_key; --", "1) OR (1=1", "\\' OR 1=1 --", "%' OR '%'='",
    "x' UNION SELECT key_hash FROM api_key --", "$$;SELECT pg_sleep(30);$$", "%s", "%(key)s", "{}",
)  # fmt: skip


@pytest.mark.parametrize("path", LISTS)
def test_sql_in_a_filter_finds_nothing_and_does_nothing(
    stack: Stack, client: httpx.Client, path: str
) -> None:
    document = stack.gateway.admin("GET", "/openapi.json")
    stack.gateway.new_key(key_alias=None)
    parameters = document["paths"][path]["get"]["parameters"]
    texts = [p["name"] for p in parameters if '"maxLength": 200' in json.dumps(p["schema"])]
    assert texts
    for name in texts:
        for text in INJECTIONS:
            answer = client.get(
                stack.gateway.internal_url + path,
                params={name: text},
                headers={"authorization": f"Bearer {MASTER_KEY}"},
            )
            assert answer.status_code in {200, 400}
            found = answer.json()
            rows = found if isinstance(found, list) else next(v for v in found.values())
            assert answer.status_code == 400 or rows == []


@pytest.mark.parametrize("text", INJECTIONS)
def test_sql_in_a_field_is_kept_as_it_was_written(stack: Stack, text: str) -> None:
    fields = {"user_alias": text, "metadata": {text: text}}
    made = stack.gateway.admin("POST", "/user/new", key_alias=None, **fields)
    refused = stack.gateway.try_admin("POST", "/user/new", user_email=text)

    shown = stack.gateway.admin("GET", "/user/info", user_id=made["user_id"])["user_info"]
    # Others filter by the same texts.
    stack.gateway.admin("POST", "/user/delete", user_ids=[made["user_id"]])
    assert shown.items() >= fields.items()
    assert (refused.status_code, "is not an e-mail address" in refused.text) == (400, True)


def test_every_line_of_the_log_is_one_object_without_a_key(
    stack: Stack, client: httpx.Client, key: str
) -> None:
    for text in ODD_TEXTS:
        client.post("/v1/messages", content=json.dumps({**GOOD, "model": text}).encode())
        agent = text.encode().translate(None, bytes(range(32)))
        client.post("/v1/messages", json=GOOD, headers={b"user-agent": agent})
        client.get("/" + text.encode().hex())
        answers(stack.gateway.public_url, text.encode())

    *lines, rest = stack.gateway.written().split("\n")
    assert rest == ""
    assert [line for line in lines if not re.fullmatch(r"\{[\x20-\x7e]*\}", line)] == []
    assert all(isinstance(json.loads(line), dict) for line in lines)
    assert not any(secret in line for line in lines for secret in (key, MASTER_KEY))
