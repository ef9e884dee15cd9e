"""What a holder of a key gets to see."""

import httpx

from tests.support.processes import GatewayProcess


def models_for(gateway: GatewayProcess, secret: str) -> httpx.Response:
    return httpx.get(
        f"{gateway.public_url}/v1/models", headers={"authorization": f"Bearer {secret}"}
    )


def status_of(gateway: GatewayProcess, secret: str) -> int:
    """200 where the key is let in."""
    return models_for(gateway, secret).status_code


def may_use(gateway: GatewayProcess, secret: str) -> set[str]:
    """The models that the key may use."""
    answer = models_for(gateway, secret)
    assert answer.status_code == 200, answer.text
    return {model["id"] for model in answer.json()["data"]}


def message(
    gateway: GatewayProcess, secret: str, model: str = "claude-haiku-4-5"
) -> httpx.Response:
    """A short question to a model."""
    return httpx.post(
        f"{gateway.public_url}/v1/messages",
        headers={"authorization": f"Bearer {secret}"},
        json={
            "model": model,
            "max_tokens": 20,
            "messages": [{"role": "user", "content": "hi"}],
        },
        timeout=30,
    )
