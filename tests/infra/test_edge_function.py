"""CloudFront's function as the plan holds it, in Node and in njs."""

import json
import re
import resource
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.infra.support import javascript, paths
from tests.infra.support.deployment import Deployment, planned
from tests.infra.support.javascript import event
from tests.infra.support.terraform import Terraform

ADMINISTRATIVE = "Admin endpoints not accessible via CloudFront"
SOURCE = (
    Path(__file__).parents[2] / "infra/terraform/modules/edge/functions/viewer-request.js"
).read_text()


def code_of(deployment: Deployment) -> str:
    return str(deployment.only("aws_cloudfront_function")["code"])


@pytest.fixture(scope="session")
def code(poc: Deployment) -> str:
    return code_of(poc)


@pytest.fixture(params=["node", "njs"])
def engine(request: pytest.FixtureRequest) -> str:
    if request.param not in javascript.engines():
        pytest.skip(f"{request.param} is not installed: apt-get install nodejs njs")
    return str(request.param)


def message(answer: javascript.Answer) -> str:
    assert answer["statusCode"] == 403, answer
    assert answer["headers"]["content-type"]["value"] == "application/json"
    return str(json.loads(answer["body"]["data"])["error"]["message"])


def test_public_paths_go_on_as_they_came(code: str, engine: str, tmp_path: Path) -> None:
    answers = javascript.run(engine, code, [event(one) for one in paths.LEGITIMATE], tmp_path)

    assert [one.get("uri") for one in answers] == list(paths.LEGITIMATE)


def test_administration_is_refused_by_name(code: str, engine: str, tmp_path: Path) -> None:
    answers = javascript.run(engine, code, [event(one) for one in paths.ADMINISTRATION], tmp_path)

    assert {message(one) for one in answers} == {ADMINISTRATIVE}


@pytest.mark.parametrize(
    "prefix",
    [
        *("user", "key", "model", "spend", "global", "budget", "audit", "team", "customer"),
        *("organization", "config", "credentials", "admin", "metrics", "docs", "openapi.json"),
        "redoc",
    ],
)
def test_every_administrative_prefix_is_known(
    code: str, engine: str, tmp_path: Path, prefix: str
) -> None:
    events = [
        event(f"/{prefix}"),
        event(f"/{prefix}/"),
        event(f"/{prefix}/x"),
        event(f"//{prefix}"),
    ]
    answers = javascript.run(engine, code, events, tmp_path)

    assert {message(one) for one in answers} == {ADMINISTRATIVE}


@pytest.mark.parametrize(
    "path",
    ["/", "/v1", "/v2/messages", "/V1/messages", "/favicon.ico", "/healthz", "/grafanas", ""],
)
def test_what_is_not_public_is_refused(code: str, engine: str, tmp_path: Path, path: str) -> None:
    (answer,) = javascript.run(engine, code, [event(path)], tmp_path)

    assert message(answer) == "This path is not public"


def test_no_attempt_to_get_around_it_passes(code: str, engine: str, tmp_path: Path) -> None:
    corpus = paths.attempts()
    events = [event(one.uri, one.method, **dict(one.headers)) for one in corpus]
    answers = javascript.run(engine, code, events, tmp_path)

    assert len(corpus) >= 300
    passed = [a.target for a, b in zip(corpus, answers, strict=True) if b.get("statusCode") != 403]
    assert passed == []


def test_headers_that_name_another_path_are_dropped(code: str, engine: str, tmp_path: Path) -> None:
    headers = {"x_original_url": "/user/new", "x_http_method_override": "PUT", "accept": "*/*"}
    (answer,) = javascript.run(engine, code, [event("/v1/models", **headers)], tmp_path)

    assert set(answer["headers"]) == {"host", "accept"}


def test_the_prefix_of_langfuse_with_a_slash_is_the_prefix(
    prod: Deployment, engine: str, tmp_path: Path
) -> None:
    asked = ["/langfuse/", "/langfuse", "/langfuse/project/x"]
    answers = javascript.run(engine, code_of(prod), [event(one) for one in asked], tmp_path)

    assert [one["uri"] for one in answers] == ["/langfuse", "/langfuse", "/langfuse/project/x"]


def test_a_langfuse_elsewhere_is_redirected_to(
    terraform: Terraform, own_infra: Path, engine: str, tmp_path: Path
) -> None:
    values = '-var=langfuse={mode="external",url="https://langfuse.example.com"}'
    found = planned(terraform, own_infra, "poc", values)
    events = [event("/langfuse/project/x"), event("/langfuse/../user/new"), event("/langfuses")]
    there, *refused = javascript.run(engine, code_of(found), events, tmp_path)

    assert there["statusCode"] == 302
    assert there["headers"]["location"]["value"] == "https://langfuse.example.com"
    assert [one["statusCode"] for one in refused] == [403, 403]


def test_it_stays_within_what_cloudfront_takes(environment: Deployment) -> None:
    assert len(code_of(environment).encode()) <= 10_240
    words = r"\b(eval|Function|import|require|class|(const|let|var)\s+\w+\s+of)\b"
    assert re.search(words + r"|\?\.|\.\.\.\w", re.sub(r"//.*", "", SOURCE)) is None


def test_it_is_quick(code: str, tmp_path: Path) -> None:
    if "njs" not in javascript.engines():
        pytest.skip("njs is not installed: apt-get install njs")
    events = [event(one) for one in paths.LEGITIMATE] * 200
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    javascript.run("njs", code, events, tmp_path)
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before

    # CloudFront allows a fraction of a millisecond; an interpreter on a busy machine gets twice it.
    assert used / len(events) < 0.002


def python_reading(path: str) -> str:
    """What a server may make of a path at the most: decoded to the end, dots resolved."""
    for _ in range(10):
        path = re.sub(r"%([0-9a-fA-F]{2})", lambda m: chr(int(m[1], 16)), path)
    kept: list[str] = []
    for segment in path.replace("\\", "/").split("/"):
        name = segment.split(";")[0]
        if name == "..":
            kept[-1:] = []
        elif name not in ("", "."):
            kept.append(name)
    return "/" + "/".join(kept).lower()


SLASHES_AND_DOTS = ("/", "//", ".", "..", "%2e", "%2E%2e", "%252e", "%2f", "%2F", "%252f", "%5c")
SIGNS = (";", ";a=b", "%00", "%0a", "?", "#", "~", "%25", "%2525", ":")
WORDS = (
    *("user", "key", "model", "new", "metrics", "USER", "Key", "%75ser", "%6bey"),
    *("v1", "messages", "health", "bedrock", "grafana", "api", "hello"),
)
PIECES = st.lists(st.sampled_from((*SLASHES_AND_DOTS, *SIGNS, *WORDS)), max_size=12)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(lines=st.lists(PIECES, min_size=60, max_size=60))
def test_whatever_passes_is_public_in_every_reading(
    code: str, engine: str, tmp_path: Path, lines: list[list[str]]
) -> None:
    uris = ["/" + "".join(one) for one in lines] + ["/v1/" + "".join(one) for one in lines]
    answers = javascript.run(engine, code, [event(one) for one in uris], tmp_path)

    for uri, answer in zip(uris, answers, strict=True):
        if answer.get("statusCode") != 403:
            assert answer["uri"] == uri
            assert re.match(
                r"/(v1|bedrock|health|grafana)(/|$)|/api/hello$", python_reading(uri)
            ), uri
