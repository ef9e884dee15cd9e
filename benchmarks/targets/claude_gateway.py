"""Anthropic's Claude apps gateway: `claude gateway` of Claude Code, at the version of the tests.

One developer signs in, at an identity provider of the benchmark's own, and has a spend cap. It is
always one process, whatever `--workers` says.
"""

import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from app.local.ports import free_port
from benchmarks.bodies import MODEL
from benchmarks.identity_provider import CLIENT, PERSON, identity_provider
from benchmarks.install import CLIENTS, node_modules
from benchmarks.processes import DidNotStart, answers, last_words, megabytes, started
from benchmarks.targets.database import database
from benchmarks.targets.target import MESSAGES, Place, Running, local

UPSTREAM = "stub"
BEDROCK_ID = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
SESSION_HOURS = 24
CAP_CENTS = "100000000"
CONNECTIONS = 10
"""To its database: as many as our gateway has by default; its own default is 5."""
SECONDS = 60


@contextmanager
def claude_gateway(place: Place) -> Iterator[Running]:
    """With sessions, spend and caps in a PostgreSQL of its own."""
    program = _program()
    with ExitStack() as stack:
        dsn, database_pid = stack.enter_context(database(place, "claude-postgres"))
        issuer = stack.enter_context(identity_provider(place.folder))
        port, admin_key = free_port(), secrets.token_urlsafe(32)
        log = place.folder / "claude-gateway.log"
        config = place.folder / "claude-gateway.json"  # which is YAML too
        config.write_text(json.dumps(_config(port, issuer, dsn, place.bedrock, admin_key)))
        since = time.monotonic()
        process = stack.enter_context(
            started(
                "The Claude apps gateway",
                [str(program), "gateway", "--config", str(config)],
                log=log,
                ready=answers(port, "/readyz"),
                environment=_environment(place.folder),
                directory=place.folder,
                seconds=SECONDS,
            )
        )
        start_seconds = time.monotonic() - since
        url = f"http://127.0.0.1:{port}"
        yield Running(
            "claude-gateway",
            [local(port)],
            [process.pid],
            MESSAGES,
            keys={"one": [_session(url, admin_key, log)]},
            database_pids=[database_pid],
            database_url=dsn,
            start_seconds=start_seconds,
            installed_mb=megabytes(program.parent),
        )


def _program() -> Path:
    """The native program, of the package for this platform."""
    found = sorted(node_modules(CLIENTS).glob("@anthropic-ai/claude-code-*/claude"))
    if not found:
        raise DidNotStart("Claude Code has no program for this platform")
    return found[0]


def _config(port: int, issuer: str, dsn: str, bedrock: str, admin_key: str) -> dict[str, object]:
    return {
        "listen": {"host": "127.0.0.1", "port": port, "public_url": f"http://127.0.0.1:{port}"},
        "oidc": {"issuer": issuer, "client_id": CLIENT, "client_secret": secrets.token_urlsafe(16)},
        "session": {"jwt_secret": secrets.token_urlsafe(32), "ttl_hours": SESSION_HOURS},
        "store": {"postgres_url": dsn, "max_connections": CONNECTIONS},
        "admin": {"write_keys": [{"id": "benchmark", "key": admin_key}]},
        "upstreams": [
            {
                "name": UPSTREAM,
                "provider": "bedrock",
                "region": "us-east-1",
                "base_url": bedrock,
                "auth": {
                    "aws_access_key_id": "AKIDOFCLAUDEGATEWAY",
                    "aws_secret_access_key": "secret-of-the-claude-gateway",
                },
            }
        ],
        "models": [{"id": MODEL, "label": MODEL, "upstream_model": {UPSTREAM: BEDROCK_ID}}],
    }


def _environment(home: Path) -> dict[str, str]:
    """It calls nobody outside, and takes an issuer on loopback, which it otherwise refuses."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "CLAUDE_GATEWAY_ALLOW_LOOPBACK": "1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }


def _session(url: str, admin_key: str, log: Path) -> str:
    """The token of a developer with a cap. Raises DidNotStart if the gateway gives none."""
    with httpx.Client(base_url=url, follow_redirects=True, trust_env=False) as client:
        try:
            _set_cap(client, admin_key)
            return _sign_in(client, url)
        except httpx.HTTPError as error:
            complaint = f"The Claude apps gateway signs nobody in, {error!r}:\n{last_words(log)}"
            raise DidNotStart(complaint) from error


def _set_cap(client: httpx.Client, admin_key: str) -> None:
    scope = {"type": "user", "user_id": PERSON}
    client.post(
        "/v1/organizations/spend_limits",
        json={"scope": scope, "amount": CAP_CENTS, "period": "monthly"},
        headers={"x-api-key": admin_key},
    ).raise_for_status()


def _sign_in(client: httpx.Client, url: str) -> str:
    """OAuth's device flow (RFC 8628), and what the developer's browser does meanwhile: it enters
    the code and follows the way through the identity provider and back, with a cookie."""
    device = client.post("/oauth/device_authorization").raise_for_status().json()
    entered = {"user_code": device["user_code"]}
    client.post("/device", data=entered, headers={"origin": url}).raise_for_status()
    asked = {"grant_type": DEVICE_GRANT, "device_code": device["device_code"]}
    return str(client.post("/oauth/token", data=asked).raise_for_status().json()["access_token"])
