from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.local.emulator.faults import BedrockFault
from app.local.emulator.signature import Authenticator, Credentials, Received
from tests.unit.local.emulator.client import Client, body, signed_headers

CREDENTIALS = Credentials("AKIDEXAMPLE", "s3cret/key+", None, "token")
HOST = "127.0.0.1:9999"
BODY = b'{"max_tokens":1}'
ARN = "arn:aws:bedrock:us-east-1:123456789012:inference-profile"


def now() -> datetime:
    return datetime.now(UTC)


def authenticator(
    credentials: Credentials = CREDENTIALS,
    region: str | None = None,
    clock: Callable[[], datetime] = now,
) -> Authenticator:
    return Authenticator(credentials, region=region, now=clock)


def received(target: str, data: bytes = BODY, **options: Any) -> Received:
    keys = {"access_key": "AKIDEXAMPLE", "secret_key": "s3cret/key+", **options}
    headers = signed_headers(f"http://{HOST}{target}", data, **keys)
    return Received(
        "POST", target, {"host": HOST, **{k.lower(): v for k, v in headers.items()}}, data
    )


def refusal(request: Received, checker: Authenticator | None = None) -> tuple[str, str]:
    with pytest.raises(BedrockFault) as fault:
        (checker or authenticator()).check(request)
    assert fault.value.status == 403
    return fault.value.name, fault.value.message


def with_headers(request: Received, **changes: str) -> Received:
    renamed = {name.replace("_", "-"): value for name, value in changes.items()}
    return Received(request.method, request.target, {**request.headers, **renamed}, request.body)


TARGETS = [
    "/model/us.anthropic.claude-haiku-4-5-20251001-v1:0/invoke",
    "/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/invoke",
    "/model/us.anthropic.claude-opus-4-8/invoke-with-response-stream",
    "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fus.x/invoke",
    "/model/arn:aws:bedrock:us-east-1:123456789012:inference-profile%2Fus.x/invoke",
    "/model/a%20b+c~d_e/invoke",
    "/model/x/invoke?b=2&a=1&c",
]


@pytest.mark.parametrize("target", TARGETS)
def test_what_botocore_signs_is_accepted(target: str) -> None:
    authenticator().check(received(target))


@pytest.mark.parametrize("data", [b"", b"x" * 100_000, "é€😀".encode()])
def test_any_body_is_covered_by_the_signature(data: bytes) -> None:
    request = received(TARGETS[0], data)

    authenticator().check(request)
    tampered = Received(request.method, request.target, request.headers, data + b" ")
    assert refusal(tampered)[0] == "InvalidSignatureException"


def test_a_path_that_is_encoded_otherwise_than_it_was_signed_is_refused() -> None:
    signed = received(TARGETS[0])
    sent = Received(signed.method, TARGETS[1], signed.headers, signed.body)

    assert refusal(sent)[0] == "InvalidSignatureException"


def test_a_wrong_secret_is_refused() -> None:
    name, message = refusal(received(TARGETS[0], secret_key="other"))

    assert name == "InvalidSignatureException"
    assert "does not match the signature you provided" in message


def test_an_unknown_key_is_refused() -> None:
    assert refusal(received(TARGETS[0], access_key="AKIDOTHER"))[0] == "UnrecognizedClientException"


def test_no_credentials_at_all_are_refused() -> None:
    bare = Received("POST", TARGETS[0], {"host": HOST}, BODY)

    assert refusal(bare) == (
        "MissingAuthenticationTokenException",
        "Missing Authentication Token",
    )


@pytest.mark.parametrize(
    ("minutes", "message"), [(6, "Signature expired"), (-6, "Signature not yet current")]
)
def test_a_date_that_is_minutes_off_is_refused(minutes: int, message: str) -> None:
    skewed = authenticator(clock=lambda: now() + timedelta(minutes=minutes))

    name, text = refusal(received(TARGETS[0]), skewed)

    assert name == "InvalidSignatureException"
    assert message in text


def test_another_service_is_refused() -> None:
    name, message = refusal(received(TARGETS[0], service="bedrock-runtime"))

    assert name == "InvalidSignatureException"
    assert "correct service: 'bedrock'" in message


def test_another_region_is_refused_where_one_is_configured() -> None:
    strict = authenticator(region="eu-west-1")

    strict.check(received(TARGETS[0], region="eu-west-1"))
    assert "valid region" in refusal(received(TARGETS[0]), strict)[1]


def test_a_configured_session_token_is_asked_for() -> None:
    temporary = authenticator(Credentials("AKIDEXAMPLE", "s3cret/key+", "session", "token"))

    temporary.check(received(TARGETS[0], token="session"))
    for token in (None, "other"):
        assert refusal(received(TARGETS[0], token=token), temporary)[0] == (
            "UnrecognizedClientException"
        )


def test_an_amz_header_that_is_not_signed_is_refused() -> None:
    added = with_headers(received(TARGETS[0]), x_amz_target="other")

    assert "'x-amz-target' must be a 'SignedHeader'" in refusal(added)[1]


def test_a_changed_signed_header_is_refused() -> None:
    changed = with_headers(received(TARGETS[0]), x_amzn_note="c")

    assert refusal(changed)[0] == "InvalidSignatureException"


@pytest.mark.parametrize(
    "authorization",
    [
        "AWS4-HMAC-SHA256 Credential=x/20261123/us-east-1/bedrock/aws4_request",
        "AWS4-HMAC-SHA256 Credential=x, SignedHeaders=host, Signature=0",
    ],
)
def test_half_a_signature_is_refused(authorization: str) -> None:
    broken = with_headers(received(TARGETS[0]), authorization=authorization)

    assert refusal(broken)[0] == "IncompleteSignatureException"


def test_a_date_that_is_no_date_is_refused() -> None:
    broken = with_headers(received(TARGETS[0]), x_amz_date="yesterday")

    assert refusal(broken)[0] == "IncompleteSignatureException"


def test_the_bearer_token_is_accepted_and_no_other() -> None:
    def bearing(token: str) -> Received:
        return Received("POST", TARGETS[0], {"authorization": f"Bearer {token}"}, BODY)

    authenticator().check(bearing("token"))
    assert refusal(bearing("other"))[0] == "AccessDeniedException"


async def test_over_the_wire_a_signed_call_is_answered_and_an_unsigned_one_is_not(
    client: Client,
) -> None:
    assert (await client.invoke(body())).status == 200

    url = f"{client.emulator.url}/model/x/invoke"
    async with client.http.post(url, json=body()) as response:
        assert response.status == 403
        assert response.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"
        assert response.headers["x-amzn-requestid"]
        assert await response.json() == {"message": "Missing Authentication Token"}
    assert len(client.emulator.usage()) == 1


@pytest.mark.parametrize(
    "model",
    [
        "us.anthropic.claude-haiku-4-5-20251001-v1%3A0",
        f"{ARN}%2Fus.anthropic.claude-haiku-4-5-20251001-v1:0",
        f"{ARN}%2Fus.anthropic.claude-haiku-4-5-20251001-v1:0".replace(":", "%3A"),
    ],
)
async def test_over_the_wire_ids_may_be_encoded_and_be_arns(client: Client, model: str) -> None:
    reply = await client.invoke(body(), model)

    assert reply.status == 200, reply.raw
    assert reply.json()["model"] == "claude-haiku-4-5-20251001"
