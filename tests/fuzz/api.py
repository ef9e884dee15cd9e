"""The whole OpenAPI document against a running gateway: schemathesis makes the requests."""

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import httpx
import psutil
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.core.result import Ok

from tests.fuzz.found import Figures, Finding
from tests.fuzz.requests import Sent, requests
from tests.support.processes import MASTER_KEY
from tests.support.stack import Stack

SLOWEST_SECONDS: Final = 10
MOST_GROWN_BYTES: Final = 64 * 1024 * 1024
MOST_GROWN_FILES: Final = 8
"""The pool keeps two connections to the database, and opens up to eight more while it is busy."""

ALWAYS: Final = {400, 401, 403, 404, 405, 413, 429, 431}
"""What an address or a header that means something else may be answered."""


class Api:
    """A gateway under test, its document, and those who call it."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.document: dict[str, Any] = stack.gateway.admin("GET", "/openapi.json")
        self.client = httpx.Client(timeout=SLOWEST_SECONDS)
        self.callers = {"nobody": "", "master": MASTER_KEY}
        for role in ("internal_user", "proxy_admin_viewer", "proxy_admin"):
            made = stack.gateway.admin("POST", "/user/new", user_role=role)
            self.callers[role] = made["key"]
        self.last: Sent | None = None

    def close(self) -> None:
        self.client.close()

    def make_known(self) -> None:
        """What requests refer to; others of them may have deleted it."""
        gateway = self.stack.gateway
        gateway.try_admin("POST", "/user/new", user_id="fuzzed", auto_create_key=False)
        gateway.try_admin("POST", "/budget/new", budget_id="fuzzed")
        gateway.try_admin("POST", "/key/generate", key="sk-fuzzed-key-of-nobody")

    def attempt(self, sent: Sent) -> str | None:
        """What is wrong with the answer, if anything is."""
        self.last = sent
        headers = {name.encode(): value.encode("latin-1") for name, value in sent.headers.items()}
        if key := self.callers[sent.caller]:
            headers[b"authorization"] = f"Bearer {key}".encode()
        base = getattr(self.stack.gateway, f"{sent.port}_url")
        body = base64.b64decode(sent.body) if sent.body is not None else None
        started = time.monotonic()
        try:
            answer = self.client.request(
                sent.method, base + sent.address, headers=headers, content=body
            )
        except httpx.LocalProtocolError:
            return None  # no client can send it; raw sockets do, elsewhere
        except httpx.HTTPError as error:
            return f"no answer: {type(error).__name__}"
        if time.monotonic() - started > SLOWEST_SECONDS:
            return "it took too long"
        return self._wrong(sent, answer)

    def _wrong(self, sent: Sent, answer: httpx.Response) -> str | None:
        status = answer.status_code
        if status >= 500 and status != 501:
            return f"{status}: {answer.text[:300]}"
        operation = self.document["paths"][sent.operation][sent.method.lower()]
        if str(status) not in operation["responses"] and status not in ALWAYS:
            return f"{status} is not in the document"
        if not answer.headers.get("request-id", "").startswith("req_"):
            return "there is no request-id"
        return _misshapen(answer) if status >= 400 else None


def _misshapen(answer: httpx.Response) -> str | None:
    """An error has the shape of one of the three API formats."""
    try:
        body = answer.json()
    except ValueError:
        return f"the error is no JSON: {answer.text[:200]}"
    match body:
        case {"type": "error", "error": {"type": str(), "message": str(said)}, "request_id": str()}:
            pass
        case {"error": {"message": str(said), "type": str(), "param": None, "code": str()}}:
            pass
        case {"message": str(said)}:
            pass
        case _:
            return f"the error has no known shape: {answer.text[:200]}"
    return None if said else "the error says nothing"


def fuzz(api: Api, cases: int, number: int, *, fixed: bool = False) -> Iterator[Figures]:
    """So many requests, for each operation as many; `fixed` makes the same ones always."""
    schema = schemathesis.openapi.from_dict(api.document)
    operations = [one.ok() for one in schema.get_all_operations() if isinstance(one, Ok)]
    each = max(1, cases // len(operations))
    for operation in operations:
        api.make_known()
        yield _fuzz_operation(api, operation, each, number, fixed=fixed)


def _fuzz_operation(api: Api, operation: Any, cases: int, number: int, *, fixed: bool) -> Figures:
    made, started = 0, time.monotonic()

    @settings(
        max_examples=cases,
        derandomize=fixed,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(sent=requests(list(api.callers), operation))
    def each(sent: Sent) -> None:
        nonlocal made
        made += 1
        assert (said := api.attempt(sent)) is None, said

    findings: tuple[Finding, ...] = ()
    try:
        (each if fixed else seed(number)(each))()
    except AssertionError as error:
        last = api.last.as_bytes() if api.last else b""
        findings = (Finding("api", last, f"{operation.method} {operation.path}: {error}"),)
    return Figures("api", made, time.monotonic() - started, findings)


@contextmanager
def steady(stack: Stack) -> Iterator[list[str]]:
    """What grew in between, and what the log holds that it should not: filled at the end."""
    _let_open(stack)
    process = psutil.Process(stack.gateway.process.pid)
    memory, files = process.memory_info().rss, process.num_fds()
    wrong: list[str] = []
    yield wrong
    grown = process.memory_info().rss - memory
    if grown > MOST_GROWN_BYTES:
        wrong.append(f"the gateway grew by {grown // 1024 // 1024} MB")
    if process.num_fds() - files > MOST_GROWN_FILES:
        wrong.append(f"it holds {process.num_fds() - files} files more")
    if held := stack.reservations():
        wrong.append(f"{len(held)} holds are left")
    faults = [line for line in stack.gateway.log() if line["level"] == "ERROR"]
    wrong += [f"the log says: {line}" for line in faults[:3]]


def _let_open(stack: Stack) -> None:
    """The connections that every gateway opens with its first request, and keeps."""
    said = {"role": "user", "content": "hello"}
    asked = {"model": "claude-haiku-4-5", "max_tokens": 10, "messages": [said]}
    secret = stack.gateway.new_key()
    stack.gateway.try_as(secret, "POST", "/v1/messages", **asked).raise_for_status()


def repeat(api: Api, kept: bytes) -> str | None:
    """What is wrong with the answer to a request that was kept, if anything is."""
    api.make_known()
    return api.attempt(Sent(**json.loads(kept)))
