"""Our signature is botocore's, whatever is signed."""

from datetime import UTC, datetime
from urllib.parse import quote

import botocore.auth
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from hypothesis import given
from hypothesis import strategies as st

from app.upstream.aws import Signer

NOW = datetime(2026, 11, 23, 23, 59, 59, tzinfo=UTC)
HOST = "bedrock-runtime.eu-west-1.amazonaws.com"
PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40)
MODELS = st.text(st.sampled_from("abz059.-_:/~+= %é"), min_size=1, max_size=60)
CREDENTIALS = st.builds(
    ReadOnlyCredentials,
    st.text(st.characters(min_codepoint=48, max_codepoint=90), min_size=16, max_size=20),
    st.text(min_size=1, max_size=40),
    st.none() | st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1),
)


@given(
    model=MODELS.filter(lambda text: set(text) != {"."}),
    region=st.sampled_from(["us-east-1", "ap-southeast-2"]),
    notes=st.dictionaries(st.sampled_from(["Accept", "X-Amzn-Bedrock-Trace", "x-a"]), PRINTABLE),
    body=st.binary(max_size=200),
    credentials=CREDENTIALS,
)
def test_botocore_signs_the_same(
    model: str,
    region: str,
    notes: dict[str, str],
    body: bytes,
    credentials: ReadOnlyCredentials,
) -> None:
    path = f"/model/{quote(model, safe='')}/invoke"
    headers = {"Content-Type": "application/json", **notes}
    request = AWSRequest("POST", f"https://{HOST}{path}", headers=headers, data=body)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.auth, "get_current_datetime", lambda: NOW)
        SigV4Auth(credentials, "bedrock", region).add_auth(request)

    ours = Signer(region, now=lambda: NOW).sign(HOST, path, headers, body, credentials)

    assert ours == dict(request.headers.items())


def test_the_key_changes_with_the_day_and_with_the_secret() -> None:
    days = iter([NOW, NOW.replace(day=24), NOW])
    signer = Signer("us-east-1", now=lambda: next(days))
    old = ReadOnlyCredentials("AKIA", "old", None)

    def signature(credentials: ReadOnlyCredentials) -> str:
        return signer.sign(HOST, "/model/a/invoke", {}, b"", credentials)["Authorization"][-64:]

    yesterday, today = signature(old), signature(old)
    assert len({yesterday, today, signature(ReadOnlyCredentials("AKIA", "new", None))}) == 3
