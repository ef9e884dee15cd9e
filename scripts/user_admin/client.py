"""The gateway's API for administration."""

import json
from collections.abc import Iterator
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

import httpx
import orjson

from scripts.user_admin.errors import Failure, NotAllowed, NotThere, Unreachable

TIMEOUT_SECONDS = 30
PAGE = 500


class Client:
    """Calls that answer with JSON; money in it is Decimal. They raise Failure."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url.rstrip("/")
        self._http = httpx.Client(
            headers={"authorization": f"Bearer {key}"}, timeout=TIMEOUT_SECONDS
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, path: str, **query: Any) -> Any:
        sent = {name: value for name, value in query.items() if value is not None}
        return self._ask("GET", path, params=sent)

    def post(self, path: str, **body: Any) -> Any:
        content = orjson.dumps(body, default=_number)
        headers = {"content-type": "application/json"}
        return self._ask("POST", path, content=content, headers=headers)

    def users(self, **which: Any) -> Iterator[dict[str, Any]]:
        """All users that fit, page by page."""
        return self._pages("/user/list", "users", "total_pages", page_size=PAGE, **which)

    def keys(self, **which: Any) -> Iterator[dict[str, Any]]:
        """All keys that fit, page by page."""
        return self._pages(
            "/key/list", "keys", "total_pages", size=PAGE, return_full_object=True, **which
        )

    def _pages(self, path: str, rows: str, total: str, **query: Any) -> Iterator[dict[str, Any]]:
        page = 1
        while True:
            answer = self.get(path, page=page, **query)
            yield from answer[rows]
            if page >= answer[total]:
                return
            page += 1

    def _ask(self, method: str, path: str, **request: Any) -> Any:
        try:
            response = self._http.request(method, self._url + path, **request)
        except httpx.InvalidURL as error:
            raise Failure(f"GATEWAY_INTERNAL_URL is not a valid address: {self._url}") from error
        except httpx.HTTPError as error:
            why = str(error) or type(error).__name__
            raise Unreachable(
                f"The gateway at {self._url} does not answer ({why}).\n"
                "GATEWAY_INTERNAL_URL is its internal address; ./dev up starts one here."
            ) from error
        if response.status_code == 200:
            return json.loads(response.text, parse_float=Decimal)
        raise _failure(response)


def _failure(response: httpx.Response) -> Failure:
    try:
        words = str(response.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        words = f"HTTP {response.status_code}: {response.text[:200]}"
    match response.status_code:
        case 401:
            return NotAllowed(f"Authentication failed: {words}")
        case 403:
            return NotAllowed(words)
        case 404:
            return NotThere(words)
        case _:
            return Failure(words)


def _number(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(f"{value:f}")
    raise TypeError(type(value).__name__)
