"""How the emulator takes guardrails."""

import json

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from app.local.emulator import RunningEmulator
from app.local.emulator.guardrails import prompt_units
from tests.unit.local.emulator.client import HAIKU, Client, Reply, body, events, text_of
from tests.unit.local.emulator.documents import assert_refused

ACTION = "amazon-bedrock-guardrailAction"
IDENTIFIER, VERSION = "X-Amzn-Bedrock-GuardrailIdentifier", "X-Amzn-Bedrock-GuardrailVersion"
BOTH = {IDENTIFIER: "abc123", VERSION: "1"}
BLOCKS = {"kind": "guardrail", "text": "Blocked, and that is that."}


async def ask(
    client: Client, signed: dict[str, str], unsigned: dict[str, str] | None = None, path: str = ""
) -> Reply:
    url = f"{client.emulator.url}/model/{HAIKU}/{path or 'invoke'}"
    data = json.dumps(body("[[say=Here I am]]")).encode()
    headers = {"content-type": "application/json", **signed}
    request = AWSRequest("POST", url, headers=headers, data=data)
    pair = Credentials(client.emulator.access_key, client.emulator.secret_key)
    SigV4Auth(pair, "bedrock", "us-east-1").add_auth(request)
    all_headers = {**request.headers, **(unsigned or {})}
    async with client.http.post(url, data=data, headers=all_headers) as response:
        return Reply(response.status, response.headers, await response.read())


@pytest.mark.parametrize("name", BOTH)
async def test_half_a_guardrail_is_refused(client: Client, name: str) -> None:
    status, kind, message = (await ask(client, {name: BOTH[name]})).error

    assert (status, kind) == (400, "ValidationException")
    assert "guardrail" in message


async def test_a_guardrail_has_to_be_signed(client: Client) -> None:
    status, kind, _ = (await ask(client, {}, BOTH)).error

    assert (status, kind) == (403, "InvalidSignatureException")


async def test_without_an_intervention_the_answer_is_the_usual_one(
    client: Client, emulator: RunningEmulator
) -> None:
    message = (await ask(client, BOTH)).json()

    assert (message[ACTION], message["content"][0]["text"]) == ("NONE", "Here I am")
    (received,) = emulator.received()
    assert {received["headers"][name.lower()] for name in BOTH} == {"abc123", "1"}


async def test_an_intervention_takes_the_place_of_the_answer_and_is_billed(
    client: Client, emulator: RunningEmulator
) -> None:
    emulator.set_scenario(BLOCKS)

    message = (await ask(client, BOTH)).json()
    streamed = events((await ask(client, BOTH, path="invoke-with-response-stream")).raw)

    assert (message[ACTION], message["content"][0]["text"]) == ("INTERVENED", BLOCKS["text"])
    assert (streamed[-1][ACTION], text_of(streamed)) == ("INTERVENED", BLOCKS["text"])
    rows = emulator.usage()
    assert [row["output_tokens"] for row in rows] == [message["usage"]["output_tokens"]] * 2


async def test_a_call_without_a_guardrail_is_answered_as_usual(
    client: Client, emulator: RunningEmulator
) -> None:
    emulator.set_scenario(BLOCKS)

    message = (await ask(client, {})).json()

    assert message["content"][0]["text"] == "Here I am"
    assert ACTION not in message


async def test_a_guardrail_that_is_not_known_is_refused(
    client: Client, emulator: RunningEmulator
) -> None:
    emulator.set_scenario({"kind": "guardrail", "known": False})

    assert (await ask(client, BOTH)).error[:2] == (400, "ValidationException")
    assert (await ask(client, {})).status == 200
    assert len(emulator.usage()) == 1


CONFIG = "amazon-bedrock-guardrailConfig"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"tagSuffix": "x y"}, "should match pattern"),
        ({"tagSuffix": "x" * 21}, "should match pattern"),
        ({"streamProcessingMode": "FAST"}, "'SYNCHRONOUS' or 'ASYNCHRONOUS'"),
        ({"made_up": 1}, "Extra inputs are not permitted"),
        ("x", "should be an object"),
    ],
)
def test_a_configuration_that_is_none_is_refused(config: object, message: str) -> None:
    assert_refused("haiku-4-5", {**body(), CONFIG: config}, message)


async def test_a_configuration_without_a_guardrail_is_refused(client: Client) -> None:
    status, _, message = (await client.invoke({**body(), CONFIG: {"tagSuffix": "x"}})).error

    assert status == 400
    assert "no guardrail identifier" in message


def test_a_guardrail_reads_what_is_tagged_alone() -> None:
    tag = "amazon-bedrock-guardrails-guardContent_x"
    asked = body("y" * 5000 + f"<{tag}>" + "z" * 1500 + f"</{tag}>")

    assert prompt_units(asked) == 7
    assert prompt_units({**asked, CONFIG: {"tagSuffix": "x"}}) == 2
    assert prompt_units({**asked, CONFIG: {"tagSuffix": "other"}}) == 0
