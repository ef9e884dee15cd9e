"""The benchmark's identity provider does what gateways ask of one."""

import time
from collections.abc import AsyncIterator

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from benchmarks.identity_provider import CLIENT, DISCOVERY, PERSON, provider

ISSUER = "http://127.0.0.1:4001"
ASKED = {
    "client_id": CLIENT,
    "response_type": "code",
    "redirect_uri": "http://127.0.0.1:4000/oauth/callback",
    "state": "what the gateway wants back",
    "nonce": "of-this-sign-in",
}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(provider(ISSUER))
    async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as found:
        yield found


async def id_token(client: httpx.AsyncClient) -> str:
    """What a gateway gets that finds its way by discovery."""
    places = (await client.get(DISCOVERY)).json()
    back = (await client.get(places["authorization_endpoint"], params=ASKED)).headers["location"]
    code = httpx.URL(back).params["code"]
    form = {"grant_type": "authorization_code", "code": code}
    return str((await client.post(places["token_endpoint"], data=form)).json()["id_token"])


async def public_keys(client: httpx.AsyncClient) -> KeySet:
    places = (await client.get(DISCOVERY)).json()
    return KeySet.import_key_set((await client.get(places["jwks_uri"])).json())


async def test_whoever_comes_is_sent_back_at_once(client: httpx.AsyncClient) -> None:
    answer = await client.get("/authorize", params=ASKED)
    back = httpx.URL(answer.headers["location"])

    assert answer.status_code == 302
    assert str(back).startswith(f"{ASKED['redirect_uri']}?")
    assert back.params["state"] == ASKED["state"]


async def test_a_token_tells_who_signed_in_where_and_for_which_request(
    client: httpx.AsyncClient,
) -> None:
    claims = jwt.decode(await id_token(client), await public_keys(client)).claims

    assert (claims["iss"], claims["aud"], claims["sub"]) == (ISSUER, CLIENT, PERSON)
    assert claims["nonce"] == ASKED["nonce"]
    assert claims["exp"] > time.time() >= claims["iat"]
