"""Text that PostgreSQL cannot keep is refused by the name of its field."""

import httpx
import pytest

from tests.support.processes import MASTER_KEY
from tests.support.stack import Stack

HEADERS = {"authorization": f"Bearer {MASTER_KEY}", "content-type": "application/json"}


@pytest.mark.parametrize("field", ["key_alias", "user_id", "models", "budget_duration"])
@pytest.mark.parametrize("text", [r"a\u0000b", r"a\u001bb", r"\ud800"])
def test_control_characters_in_a_body(stack: Stack, field: str, text: str) -> None:
    value = f'["{text}"]' if field == "models" else f'"{text}"'
    response = httpx.post(
        f"{stack.gateway.internal_url}/key/generate",
        content=f'{{"{field}": {value}}}'.encode(),
        headers=HEADERS,
    )

    assert response.status_code == 400
    assert field in response.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/user/info?user_id=a%00b", "/key/info?key=a%00b"])
def test_control_characters_in_an_address(stack: Stack, path: str) -> None:
    response = httpx.get(stack.gateway.internal_url + path, headers=HEADERS)

    assert response.status_code == 400
