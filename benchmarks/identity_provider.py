"""An identity provider that asks nothing: `python -m benchmarks.identity_provider --port 4001`.

OpenID Connect's code flow on loopback, for a gateway that takes only people who signed in. Whoever
comes is the same person, and nothing is kept: the code that it hands out is the nonce it was given.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlencode

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse
from joserfc import jwt
from joserfc.jwk import RSAKey

from app.local.ports import free_port
from benchmarks.processes import answers, started

DISCOVERY: Final = "/.well-known/openid-configuration"
CLIENT: Final = "a-gateway"
PERSON: Final = "a-developer"
SECONDS: Final = 3600
KEY_BITS: Final = 2048


def provider(issuer: str) -> FastAPI:
    """Discovery, keys, and a code that is exchanged for an id token."""
    key = RSAKey.generate_key(KEY_BITS, {"use": "sig", "alg": "RS256", "kid": "1"})
    app = FastAPI(openapi_url=None)

    @app.get(DISCOVERY)
    def discovery() -> dict[str, object]:
        return {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    @app.get("/keys")
    def keys() -> dict[str, object]:
        return {"keys": [key.as_dict(private=False)]}

    @app.get("/authorize")
    def authorize(redirect_uri: str, state: str, nonce: str) -> RedirectResponse:
        back = urlencode({"code": nonce, "state": state})
        return RedirectResponse(f"{redirect_uri}?{back}", 302)

    @app.post("/token")
    async def token(request: Request) -> dict[str, object]:
        form = parse_qs((await request.body()).decode())
        return {
            "access_token": "of-no-use",
            "token_type": "Bearer",
            "expires_in": SECONDS,
            "id_token": jwt.encode(
                {"alg": "RS256", "kid": "1"}, _claims(issuer, form["code"][0]), key
            ),
        }

    return app


def _claims(issuer: str, nonce: str) -> dict[str, Any]:
    now = int(time.time())
    return {
        "iss": issuer,
        "aud": CLIENT,
        "sub": PERSON,
        "email": f"{PERSON}@example.com",
        "nonce": nonce,
        "iat": now,
        "exp": now + SECONDS,
    }


@contextmanager
def identity_provider(folder: Path) -> Iterator[str]:
    """One that runs, as its issuer's URL; its log lies in `folder`."""
    port = free_port()
    with started(
        "The identity provider",
        [sys.executable, "-m", "benchmarks.identity_provider", "--port", str(port)],
        log=folder / "identity-provider.log",
        ready=answers(port, DISCOVERY),
    ):
        yield f"http://127.0.0.1:{port}"


def main() -> None:
    parser = argparse.ArgumentParser(description="An identity provider for measuring, on loopback.")
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    app = provider(f"http://127.0.0.1:{port}")
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main()
