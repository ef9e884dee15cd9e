"""What the OpenAPI document shows of administration is what the gateway does."""

from typing import Any

import pytest
from fastapi.routing import APIRoute

from app.apps import FOR_ADMINISTRATORS
from tests.support.processes import MASTER_KEY
from tests.support.stack import Stack

ROUTES = sorted(
    (method, route.path)
    for router in FOR_ADMINISTRATORS
    for route in router.routes
    if isinstance(route, APIRoute)
    for method in route.methods or ()
)
FIRST = ("/budget/new", "/user/new", "/key/generate", "/model/new")
LAST = ("/key/delete", "/user/delete", "/budget/delete", "/model/delete")
QUERIES = {
    "/user/info": {"user_id": "ada"},
    "/model/betas": {"model": "*", "beta": "advanced-tool-use-2025-11-20"},
}


@pytest.fixture
def document(stack: Stack) -> dict[str, Any]:
    return stack.gateway.admin("GET", "/openapi.json")


def operation(document: dict[str, Any], method: str, path: str) -> dict[str, Any]:
    found: dict[str, Any] = document["paths"][path][method.lower()]
    return found


def request_example(document: dict[str, Any], method: str, path: str) -> dict[str, Any]:
    body = operation(document, method, path).get("requestBody")
    if body is None:
        return {}
    schema = body["content"]["application/json"]["schema"]
    schema = next((s for s in schema.get("anyOf", [schema]) if "$ref" in s), schema)
    fields = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    example: dict[str, Any] = fields["examples"][0]
    return example


def answer_example(document: dict[str, Any], method: str, path: str) -> Any:
    answer = operation(document, method, path)["responses"]["200"]
    return answer["content"]["application/json"]["example"]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_call_is_documented_with_examples_and_refusals(
    document: dict[str, Any], method: str, path: str
) -> None:
    said = operation(document, method, path)

    assert said["summary"]
    assert said["description"]
    assert answer_example(document, method, path) is not None
    assert {"200", "400", "401", "403", "503"} <= said["responses"].keys()
    for status, response in said["responses"].items():
        for example in response["content"]["application/json"].get("examples", {}).values():
            assert example["value"]["error"]["message"]
            assert status != "200"
    assert {"HTTPBearer": []} in said["security"]
    if method in {"POST", "PUT"}:
        assert request_example(document, method, path)


def test_every_call_of_clients_is_documented_with_its_body_and_refusals(
    document: dict[str, Any],
) -> None:
    shapes = {"/v1/messages": "AnthropicError", "/bedrock/": "BedrockError", "/v1/": "OpenAIError"}
    calls = [(p, m, o) for p, item in document["paths"].items() for m, o in item.items()]
    for path, method, said in calls:
        if not path.startswith(tuple(shapes)) or path == "/v1/model/info":
            continue
        assert said["security"], path
        assert {"200", "400", "401", "403", "404", "503"} <= said["responses"].keys()
        assert (method == "post") == ("requestBody" in said)
        shape = next(shape for start, shape in shapes.items() if path.startswith(start))
        refusal = said["responses"]["401"]["content"]["application/json"]["schema"]
        assert refusal == {"$ref": f"#/components/schemas/{shape}"}
    assert "422" not in {status for _, _, said in calls for status in said["responses"]}


def test_the_examples_work_and_are_answered_as_shown(
    own_stack: Stack, document: dict[str, Any]
) -> None:
    order = sorted(ROUTES, key=lambda route: (_place(route[1]), route[0] == "DELETE"))
    order.remove(("POST", "/key/{key}/regenerate"))
    token = None
    for method, path in order:
        body = dict(request_example(document, method, path)) or QUERIES.get(path, {})
        if "key" in body and token:
            body["key"] = token
        if path == "/key/info":
            body = {"key": token}
        if path == "/budget/delete":
            body = {"id": own_stack.gateway.admin("POST", "/budget/new")["budget_id"]}

        answer = own_stack.gateway.try_as(MASTER_KEY, method, path, **body)

        assert answer.status_code == 200, (path, answer.text)
        assert_like(answer.json(), answer_example(document, method, path), path)
        if path == "/key/generate":
            token = answer.json()["token"]


def _place(path: str) -> int:
    if path in FIRST:
        return FIRST.index(path)
    return len(FIRST) + (1 + LAST.index(path) if path in LAST else 0)


def assert_like(answer: Any, shown: Any, path: str) -> None:
    """The fields are those that are shown; of nulls the document shows none."""
    assert type(answer) is type(shown), path
    if isinstance(answer, dict):
        assert shown.keys() <= answer.keys(), path
        assert {name for name, value in answer.items() if value is not None} <= shown.keys(), path
