"""Administration is refused by the function, the listener and the public socket, each alone."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from fastapi import FastAPI

from app.apps import FOR_ADMINISTRATORS, FOR_CLIENTS, internal_api
from app.web.routes.health import router as health
from tests.infra.support import javascript, paths
from tests.infra.support.deployment import Deployment
from tests.infra.support.javascript import event
from tests.infra.support.layers import rules_of, send
from tests.support.processes import MASTER_KEY
from tests.support.stack import Stack

MASTER = {"authorization": f"Bearer {MASTER_KEY}"}


def routes(api: FastAPI) -> set[str]:
    return {re.sub(r"\{[^}]*\}", "x", path) for path in api.openapi()["paths"]}


def public_routes() -> set[str]:
    api = FastAPI()
    for router in (*FOR_CLIENTS, health):
        api.include_router(router)
    return routes(api)


PRIVATE = sorted((routes(internal_api()) - public_routes()) | {"/openapi.json"})
"""Every path that the internal port has and the public one does not."""


def listener(deployment: Deployment, path: str) -> str:
    """What the edge listener does with a path: the action of the first rule that fits."""
    for rule in rules_of(deployment):
        patterns = rule["condition"][0]["path_pattern"][0]["values"]
        if any(fnmatchcase(path, pattern) for pattern in patterns):
            return str(rule["action"][0]["type"])
    return "fixed-response"


@pytest.fixture(scope="session")
def code(poc: Deployment) -> str:
    return str(poc.only("aws_cloudfront_function")["code"])


@pytest.fixture(params=["node", "njs"])
def engine(request: pytest.FixtureRequest) -> str:
    if request.param not in javascript.engines():
        pytest.skip(f"{request.param} is not installed: apt-get install nodejs njs")
    return str(request.param)


def variants(path: str) -> Iterator[str]:
    yield from (path, f"{path}/", f"{path}/x")


def passed(code: str, engine: str, folder: Path, uris: list[str]) -> list[str]:
    answers = javascript.run(engine, code, [event(uri) for uri in uris], folder)
    return [uri for uri, one in zip(uris, answers, strict=True) if one.get("statusCode") != 403]


def test_the_list_holds_administration_and_nothing_that_clients_use() -> None:
    assert {"/v1/model/info", "/model/info", "/key/generate", "/metrics"} <= set(PRIVATE)
    assert "/v1/messages" not in PRIVATE
    assert len(FOR_ADMINISTRATORS) == 8, "is a new router in internal_api() too?"


def test_the_function_refuses_every_private_path(code: str, engine: str, tmp_path: Path) -> None:
    uris = [one for path in PRIVATE for plain in variants(path) for one in (plain, plain.upper())]
    uris += [re.sub(r"[a-z]", lambda m: f"%{ord(m[0]):02X}", path) for path in PRIVATE]

    assert passed(code, engine, tmp_path, uris) == []


def test_the_listener_refuses_every_private_path(environment: Deployment) -> None:
    for path in PRIVATE:
        for one in variants(path):
            assert listener(environment, one) == "fixed-response", one
    assert listener(environment, "/v1/models/x") == "forward"
    assert listener(environment, "/v1/models") == "forward"


def test_the_public_socket_refuses_every_private_path(stack: Stack) -> None:
    public = stack.gateway.public_url.removeprefix("http://")
    for path in PRIVATE:
        for method in ("GET", "POST"):
            answer = send(public, path, method, MASTER)
            assert answer.status in (404, 405), (method, path, answer.status)


def test_what_is_no_plain_ascii_path_passes_no_function(
    code: str, engine: str, tmp_path: Path
) -> None:
    corpus = paths.written_oddly()

    assert len(corpus) >= 2000
    assert passed(code, engine, tmp_path, [path for _, path in corpus]) == []


def test_what_is_no_plain_ascii_path_does_nothing_at_the_public_socket(stack: Stack) -> None:
    before = stack.query("SELECT count(*) AS users FROM gateway_user")
    public = stack.gateway.public_url.removeprefix("http://")
    for kind, path in paths.written_oddly()[::7]:
        answer = send(public, path, "POST", MASTER)
        assert answer.status in (400, 401, 403, 404, 405), (kind, path, answer.status)

    assert stack.query("SELECT count(*) AS users FROM gateway_user") == before
