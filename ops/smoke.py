"""Small real requests that show whether the gateway serves, and what they cost."""

import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from time import perf_counter
from typing import Any, Final

import httpx

from ops.context import Context
from ops.gateway import administration
from ops.result import Level, Note, Section, Table
from scripts.user_admin.client import Client
from scripts.user_admin.errors import Failure

KEY: Final = "GATEWAY_SMOKE_KEY"
SECONDS: Final = httpx.Timeout(30, connect=10)
MOST_USD: Final = Decimal("0.05")
LIFE: Final = timedelta(hours=1)
QUESTION: Final = "Answer with the word ok."
PREFERRED: Final = "haiku"


class NotWell(Exception):
    """The gateway did not answer as it should; says how."""


@dataclass(frozen=True, slots=True)
class Check:
    """One request, or what kept it from being made."""

    name: str
    passed: bool
    milliseconds: int
    told: str


class Smoke:
    """Checks against one address; without a key those alone that need none."""

    def __init__(self, url: str, key: str | None, model: str | None = None) -> None:
        self._url = url
        self._key = key
        self._model = model

    def run(self) -> list[Check]:
        """All checks; one that fails does not keep the next from being made."""
        headers = {"anthropic-version": "2023-06-01"}
        if self._key:
            headers["authorization"] = f"Bearer {self._key}"
        with httpx.Client(base_url=self._url, timeout=SECONDS, headers=headers) as http:
            checks = [_timed("liveliness", lambda: _health(http, "/health/liveliness"))]
            checks.append(_timed("readiness", lambda: _health(http, "/health/readiness")))
            if self._key:
                checks += self._with_key(http)
            return checks

    def _with_key(self, http: httpx.Client) -> Iterator[Check]:
        before = _spent(http)
        yield _timed("models", lambda: self._models(http))
        yield _timed("message", lambda: _message(http, self._asked()))
        yield _timed("streamed message", lambda: _streamed(http, self._asked()))
        after = _spent(http)
        cost = None if before is None or after is None else after - before
        # Between two days it is unknown; that alone is no fault of the gateway.
        told = "unknown" if cost is None or cost < 0 else f"{cost:f} USD"
        yield Check("cost", True, 0, told)

    def _models(self, http: httpx.Client) -> str:
        names = [one["id"] for one in _answer(http.get("/v1/models"))["data"]]
        if not names:
            raise NotWell("the key may use no model")
        self._model = self._model or next((one for one in names if PREFERRED in one), names[0])
        return f"{len(names)} models"

    def _asked(self) -> dict[str, Any]:
        if self._model is None:
            raise NotWell("no model is known")
        return {
            "model": self._model,
            "max_tokens": 8,
            "messages": [{"role": "user", "content": QUESTION}],
        }


def sections(checks: Sequence[Check]) -> list[Section]:
    """For a result."""
    rows = [(one.name, one.passed, one.milliseconds, one.told) for one in checks]
    failed = [one for one in checks if not one.passed]
    notes = [Note(f"{one.name}: {one.told}", Level.ERROR) for one in failed]
    return [Table("Smoke test", ("check", "passed", "ms", "told"), rows), *notes]


def passed(checks: Sequence[Check]) -> bool:
    return all(one.passed for one in checks)


@contextmanager
def key_for_smoke(context: Context, internal_url: str | None) -> Iterator[str | None]:
    """The one in the environment; else one made for the purpose, which is deleted afterwards.

    Without an internal address there is none. Raises OpsError.
    """
    given = context.environ.get(KEY)
    if given or not internal_url:
        yield given
        return
    with administration(context, internal_url) as api:
        made = api.post(
            "/key/generate",
            key_alias=f"ops-smoke-{secrets.token_hex(4)}",
            max_budget=MOST_USD,
            duration=f"{int(LIFE.total_seconds())}s",
        )
        try:
            yield str(made["key"])
        finally:
            _forget(context, api, made["token"])


def _forget(context: Context, api: Client, token: str) -> None:
    try:
        api.post("/key/delete", keys=[token])
    except Failure as failure:
        context.say(f"The key of the smoke test stays until it expires: {failure}")


def _timed(name: str, ask: Callable[[], str]) -> Check:
    began = perf_counter()
    try:
        passed, told = True, ask()
    except (NotWell, httpx.HTTPError, httpx.InvalidURL) as error:
        passed, told = False, str(error) or type(error).__name__
    except (KeyError, ValueError, TypeError) as error:
        passed, told = False, f"an answer of another shape ({type(error).__name__})"
    return Check(name, passed, round((perf_counter() - began) * 1000), told)


def _health(http: httpx.Client, path: str) -> str:
    response = http.get(path)
    if response.status_code != 200:
        raise NotWell(f"HTTP {response.status_code}: {response.text[:200]}")
    return response.text[:200]


def _message(http: httpx.Client, asked: dict[str, Any]) -> str:
    answer = _answer(http.post("/v1/messages", json=asked))
    usage = answer["usage"]
    return f"{answer['model']}: {usage['input_tokens']} tokens in, {usage['output_tokens']} out"


def _streamed(http: httpx.Client, asked: dict[str, Any]) -> str:
    with http.stream("POST", "/v1/messages", json=asked | {"stream": True}) as response:
        if response.status_code != 200:
            response.read()
            _answer(response)
        events = [
            json.loads(line.removeprefix("data:"))["type"]
            for line in response.iter_lines()
            if line.startswith("data:")
        ]
    if events[:1] != ["message_start"] or events[-1:] != ["message_stop"]:
        raise NotWell(f"the stream has no {'beginning' if 'message_stop' in events else 'end'}")
    return f"{len(events)} events"


def _answer(response: httpx.Response) -> Any:
    if response.status_code != 200:
        raise NotWell(f"HTTP {response.status_code}: {response.text[:300]}")
    return response.json()


def _spent(http: httpx.Client) -> Decimal | None:
    """What the key has spent today."""
    try:
        response = http.get("/v1/usage", headers={"accept": "application/json"})
        today = json.loads(response.text, parse_float=Decimal)["today"]
        return sum((Decimal(one["spend"]) for one in today), Decimal(0))
    except (httpx.HTTPError, KeyError, ValueError, TypeError):
        return None
