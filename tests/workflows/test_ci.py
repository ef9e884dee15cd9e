"""What is built, deployed and required, run by act."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.workflows.support.act import Checkout, Run
from tests.workflows.support.platform import IMAGE, Platform

DIGEST = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
REFERENCE = f"{IMAGE}@{DIGEST}"
SCAN = '#!/bin/sh\necho "scanned $1" && echo {} > "$2"\n'
GATEWAY = "app/main.py"
GRAFANA = "infra/grafana/dashboards/more.json"


@pytest.fixture
def repository(checkout: Checkout) -> Checkout:
    """With a short `.ci/run`, and a scanner that needs no registry; both say that they ran."""
    for name, text in {
        ".ci/run": '#!/bin/sh\necho "ran everything"\n[ ! -e broken ]\n',
        ".github/actions/image/scan.sh": SCAN,
    }.items():
        checkout.commit({name: text})
        (checkout.folder / name).chmod(0o755)
    checkout.commit()
    return checkout


class Healthy(BaseHTTPRequestHandler):
    """A gateway that is well, and knows nothing else of itself."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def gateway() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Healthy)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def push(repository: Checkout, *names: str) -> Run:
    before = repository.git("rev-parse", "HEAD")
    repository.commit(dict.fromkeys(names, "changed\n"))
    return repository.run("ci", "push", {"before": before, "ref": "refs/heads/main"})


def pull_request(repository: Checkout, *names: str) -> Run:
    base = repository.git("rev-parse", "HEAD")
    repository.git("switch", "--quiet", "--create", "change")
    head = repository.commit(dict.fromkeys(names, "changed\n"))
    request = {"number": 7, "base": {"sha": base, "ref": "main"}, "head": {"sha": head}}
    return repository.run("ci", "pull_request", {"number": 7, "pull_request": request})


def test_a_pull_request_is_checked_and_nothing_is_built(repository: Checkout) -> None:
    run = pull_request(repository, GATEWAY)

    assert run.code == 0, run.everything
    assert "ran everything" in run.output
    assert run.jobs() == {
        "touched": "success",
        "check": "success",
        "audit": "success",
        "required": "success",
    }
    assert "took" not in run.output


def test_a_failed_check_fails_what_is_required(repository: Checkout) -> None:
    run = pull_request(repository, "broken")

    assert run.code == 1
    assert run.jobs()["check"] == "failure"
    assert run.jobs()["required"] == "failure"


def test_a_known_hole_fails_what_is_required_and_deploys_nothing(
    repository: Checkout, aws: Platform
) -> None:
    run = push(repository, GATEWAY, "hole")

    assert run.code == 1
    assert "audited" in run.output
    assert run.jobs().get("required") != "success"
    assert aws.image == f"{IMAGE}:0.1.0"


def test_on_main_a_failed_check_deploys_nothing(repository: Checkout, aws: Platform) -> None:
    run = push(repository, GATEWAY, "broken")

    assert run.code == 1
    assert "took" not in run.output
    assert aws.image == f"{IMAGE}:0.1.0"


def test_documents_build_nothing(repository: Checkout) -> None:
    run = push(repository, "docs/more.md")

    assert run.code == 0, run.everything
    assert set(run.jobs()) == {"touched", "check", "audit", "required"}


def test_a_change_of_grafana_builds_its_image_alone(repository: Checkout) -> None:
    run = push(repository, GRAFANA)

    assert run.code == 0, run.everything
    assert "built 123456789012.dkr.ecr.us-west-1.amazonaws.com/stargate-poc/grafana:" in run.output
    assert "for linux/arm64" in run.output
    assert "stargate-poc/gateway" not in run.output
    assert "role/stargate-image" in run.output
    assert "role/stargate-apply-poc" not in run.output


def test_a_change_of_the_gateway_is_built_signed_scanned_and_deployed_by_its_digest(
    repository: Checkout, aws: Platform, gateway: str
) -> None:
    repository.variables["GATEWAY_URL_POC"] = gateway

    run = push(repository, GATEWAY)

    assert run.code == 0, run.everything
    for said in (f"built {IMAGE}:", f"signed {REFERENCE}", f"scanned {REFERENCE}"):
        assert said in run.output
    assert f"`{REFERENCE}`" in run.summary
    sbom = repository.artifacts / "sbom-poc-gateway-1" / "sbom.cdx.json"
    assert json.loads(sbom.read_text()) == {}
    assert "role/stargate-apply-poc" in run.output
    assert aws.image == REFERENCE


def test_only_main_is_released(repository: Checkout, aws: Platform) -> None:
    repository.git("switch", "--quiet", "--create", "other")

    run = repository.run("image", payload={"inputs": {"environment": "prod", "image": "gateway"}})

    assert run.code == 0, run.everything
    assert "took" not in run.output


def test_a_gateway_that_is_not_well_after_the_deployment_is_taken_back(
    repository: Checkout, aws: Platform
) -> None:
    """There is no gateway at that address, so no smoke test passes."""
    repository.variables["GATEWAY_URL_POC"] = "http://127.0.0.1:9"

    run = push(repository, GATEWAY)

    assert run.code == 1
    assert "registered stargate-poc-gateway:2" in run.output, run.everything
    assert "runs again" in run.everything
    assert aws.image == f"{IMAGE}:0.1.0"


@pytest.mark.parametrize("wrong", [{"image": "langfuse"}, {"environment": "staging"}])
def test_an_image_or_environment_that_is_not_there_is_refused(
    repository: Checkout, wrong: dict[str, str]
) -> None:
    given: dict[str, Any] = {"environment": "poc", "image": "gateway", **wrong}
    repository.variables["AWS_ACCOUNT_STAGING"] = "123456789012"

    run = repository.run("image", payload={"inputs": given})

    assert run.code == 1
    assert "built" not in run.output
