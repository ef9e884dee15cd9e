"""The few things that plans and drift ask of GitHub."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import httpx

from ops.errors import Credentials, Denied, Misuse, NotFound, OpsError, Unreachable

ATTEMPTS: Final = 4
LONGEST_WAIT: Final = 90.0
SECONDS: Final = 20.0
BOT: Final = "github-actions[bot]"
"""Who writes with a workflow's own token; what anybody else writes is not believed."""


class Repository:
    """One repository, with the token of a workflow. All methods raise OpsError."""

    def __init__(self, client: httpx.Client, name: str, sleep: Callable[[float], None]) -> None:
        self._client = client
        self._base = f"/repos/{name}"
        self._sleep = sleep

    def comments(self, number: int) -> Iterator[dict[str, Any]]:
        """The bot's comments on a pull request or issue, oldest first."""
        for one in self._pages(f"/issues/{number}/comments"):
            if _by_bot(one):
                yield one

    def comment(self, number: int, body: str) -> str:
        """Write one; the answer is its address."""
        return str(self._ask("POST", f"/issues/{number}/comments", {"body": body})["html_url"])

    def rewrite(self, comment: int, body: str) -> str:
        """Replace a comment's text."""
        return str(self._ask("PATCH", f"/issues/comments/{comment}", {"body": body})["html_url"])

    def issues(self, label: str) -> Iterator[dict[str, Any]]:
        """The bot's open issues with a label."""
        for one in self._pages("/issues", {"state": "open", "labels": label}):
            if _by_bot(one) and "pull_request" not in one:
                yield one

    def open(self, title: str, body: str, label: str) -> str:
        """Open an issue; the answer is its address."""
        issue = {"title": title, "body": body, "labels": [label]}
        return str(self._ask("POST", "/issues", issue)["html_url"])

    def change(self, issue: int, changes: Mapping[str, str]) -> str:
        return str(self._ask("PATCH", f"/issues/{issue}", changes)["html_url"])

    def merged_as(self, commit: str) -> int | None:
        """The number of the pull request whose merge made a commit."""
        for one in self._pages(f"/commits/{commit}/pulls"):
            if one["merged_at"] and one["merge_commit_sha"] == commit:
                return int(one["number"])
        return None

    def _pages(self, path: str, query: Mapping[str, str] | None = None) -> Iterator[dict[str, Any]]:
        page: str | None = f"{self._base}{path}"
        parameters: dict[str, str] | None = {"per_page": "100", **(query or {})}
        while page:
            answer = self._send("GET", page, parameters, None)
            yield from answer.json()
            page, parameters = answer.links.get("next", {}).get("url"), None
            if page and httpx.URL(page).host != self._client.base_url.host:
                raise OpsError("GitHub names another host for the next page; it gets no token.")

    def _ask(self, method: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self._send(method, f"{self._base}{path}", None, body).json()
        return answer

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
    ) -> httpx.Response:
        """Ask again where GitHub says that it did not listen yet."""
        attempt = 1
        while True:
            try:
                answer = self._client.request(method, path, params=query, json=body)
            except httpx.HTTPError as error:
                raise Unreachable(f"GitHub does not answer: {type(error).__name__}") from error
            wait = _wait(answer, attempt)
            if wait is None:
                _must(answer, f"{method} {answer.request.url.path.removeprefix(self._base)}")
                return answer
            if attempt == ATTEMPTS or wait > LONGEST_WAIT:
                raise Unreachable(f"GitHub answers {answer.status_code}.", "Run it again later.")
            self._sleep(wait)
            attempt += 1


@contextmanager
def repository(environ: Mapping[str, str], sleep: Callable[[float], None]) -> Iterator[Repository]:
    """The repository of this workflow's run."""
    name, token = environ.get("GITHUB_REPOSITORY", ""), environ.get("GITHUB_TOKEN", "")
    if not name or not token:
        raise Misuse(
            "Which repository, and with which token?", "Set GITHUB_REPOSITORY and GITHUB_TOKEN."
        )
    headers = {
        "Accept": "application/vnd.github+json",
        "Authorization": f"Bearer {token}",
        "X-GitHub-Api-Version": "2022-11-28",
    }
    address = environ.get("GITHUB_API_URL") or "https://api.github.com"
    with httpx.Client(base_url=address, headers=headers, timeout=SECONDS) as client:
        yield Repository(client, name, sleep)


def _by_bot(written: Mapping[str, Any]) -> bool:
    user = written.get("user") or {}
    return bool(user.get("login") == BOT and user.get("type") == "Bot")


def _wait(answer: httpx.Response, attempt: int) -> float | None:
    """Seconds until another attempt makes sense; None where it makes none."""
    if answer.status_code in (403, 429) and answer.headers.get("retry-after", "").isdigit():
        return float(answer.headers["retry-after"])
    if answer.status_code in (403, 429) and answer.headers.get("x-ratelimit-remaining") == "0":
        return LONGEST_WAIT + 1
    if answer.status_code in (502, 503, 504) and answer.request.method == "GET":
        return 2.0**attempt
    return None


def _must(answer: httpx.Response, asked: str) -> None:
    """Raise what a refusal stands for."""
    if answer.is_success:
        return
    if answer.status_code == 401:
        raise Credentials(f"GitHub does not know this token ({asked}).")
    if answer.status_code == 403:
        raise Denied(
            f"GitHub does not allow {asked}.",
            "The job's `permissions` need pull-requests: write, or issues: write for drift.",
        )
    if answer.status_code in (404, 410):
        raise NotFound(f"GitHub knows no such thing ({asked}).")
    raise OpsError(f"GitHub answers {answer.status_code} to {asked}.")
