"""Ids of users, without what a person is known by."""

import uuid

import pytest

from app.formats.anthropic_bedrock import to_bedrock
from app.formats.normalize import opaque
from app.formats.openai_chat import to_messages
from app.local.emulator.validation import check_body
from tests.unit.local.emulator.client import body
from tests.unit.local.emulator.documents import HELLO, assert_refused, model

PERSONAL = {
    "ada@example.com": "email address",
    "Ada Lovelace <ada@example.co.uk>": "email address",
    "user:ada+x@example.com;team": "email address",
    "+47 22 22 55 55": "phone number",
    "+4722225555": "phone number",
    "(415) 555-0132": "phone number",
    "415-555-0132": "phone number",
    "u" * 257: "at most 256 characters",
}
CLAUDE_CODE = (
    '{"device_id":"'
    + "3f" * 32
    + '","account_uuid":"","session_id":"'
    + str(uuid.UUID(int=5))
    + '"}'
)


@pytest.mark.parametrize("user_id", PERSONAL)
def test_what_a_person_is_known_by_becomes_a_digest(user_id: str) -> None:
    digest = opaque(user_id)

    assert digest.startswith("user_")
    assert user_id not in digest
    assert digest == opaque(user_id) != opaque(user_id + "x")
    check_body(body(metadata={"user_id": digest}), model("haiku-4-5"))


@pytest.mark.parametrize(
    "user_id", ["ada", "u" * 256, "42", "user_3f_account__session_9", str(uuid.UUID(int=7)),
                CLAUDE_CODE, "Ada @ work", "2026-11-30T12:00"],
)  # fmt: skip
def test_other_ids_stay_as_they_are(user_id: str) -> None:
    assert opaque(user_id) == user_id


def test_both_formats_send_the_digest() -> None:
    chat = to_messages({"messages": [HELLO], "user": "ada@example.com"}, default_max_tokens=10)
    messages = {"max_tokens": 10, "messages": [HELLO], "metadata": {"user_id": "ada@example.com"}}

    for asked in (chat, messages):
        sent = to_bedrock(asked, (), model("haiku-4-5"))
        assert sent["metadata"] == {"user_id": opaque("ada@example.com")}


@pytest.mark.parametrize("user_id", PERSONAL)
def test_the_emulator_refuses_them_as_bedrock_does(user_id: str) -> None:
    assert_refused("haiku-4-5", body(metadata={"user_id": user_id}), PERSONAL[user_id])
