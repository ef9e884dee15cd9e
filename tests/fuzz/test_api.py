"""A little of `./dev fuzz --only api`, the same requests in every run."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.fuzz.api import Api, fuzz, repeat, steady
from tests.fuzz.found import kept
from tests.fuzz.requests import Sent
from tests.support.stack import running_stack

CASES = 110


@pytest.fixture(scope="module")
def api(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    directory: Path = tmp_path_factory.mktemp("fuzz")
    unhindered = {"GATEWAY_FAILED_AUTH_PER_MINUTE": "0"}
    with (
        running_stack(module_database_url, directory, **unhindered) as stack,
        closing(Api(stack)) as opened,
    ):
        yield opened


def test_every_operation_answers_in_order_whatever_it_is_sent(api: Api) -> None:
    with steady(api.stack) as wrong:
        parts = list(fuzz(api, CASES, 0, fixed=True))

    assert [finding.said for part in parts for finding in part.findings] == []
    assert wrong == []
    assert sum(part.cases for part in parts) >= CASES


@pytest.mark.parametrize("request_that_failed", kept("api"))
def test_what_was_wrong_once_is_right(api: Api, request_that_failed: bytes) -> None:
    assert repeat(api, request_that_failed) is None


def test_an_answer_that_the_document_does_not_name_is_noticed(api: Api) -> None:
    models = Sent("public", "internal_user", "GET", "/v1/models", "/v1/models", {}, None)
    assert api.attempt(models) is None
    responses = api.document["paths"]["/v1/models"]["get"]["responses"]

    answer = responses.pop("200")
    said = api.attempt(models)
    responses["200"] = answer

    assert said == "200 is not in the document"
