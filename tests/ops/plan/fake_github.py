"""The few paths of GitHub's API that ops asks, over real HTTP.

It keeps comments and issues, pages, refuses, and limits as GitHub's documentation says. It does not
prove that the documentation is right, nor what a workflow's permissions allow.
"""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

TOKEN: Final = "token-of-the-run"
BOT: Final = {"login": "github-actions[bot]", "type": "Bot"}
PERSON: Final = {"login": "mallory", "type": "User"}
ROOT: Final = "/repos/example/stargate"
LONGEST_BODY: Final = 65_536

Record = dict[str, Any]


@dataclass
class GitHub:
    """What the repository holds, and what was asked of it."""

    address: str = ""
    largest_page: int = 100
    comments: list[Record] = field(default_factory=list)
    issues: list[Record] = field(default_factory=list)
    merged: dict[str, int] = field(default_factory=dict)
    """Numbers of pull requests by the commit of their merge."""
    asked: list[str] = field(default_factory=list)
    refusals: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """What the next requests are answered with instead."""
    next_page_host: str = ""

    @property
    def environ(self) -> dict[str, str]:
        """As a workflow's step has it."""
        return {
            "GITHUB_API_URL": self.address,
            "GITHUB_REPOSITORY": "example/stargate",
            "GITHUB_RUN_ID": "42",
            "GITHUB_SERVER_URL": "https://github.example",
            "GITHUB_TOKEN": TOKEN,
        }

    def add_comment(self, number: int, body: str, user: Record | None = None) -> Record:
        one = {
            "id": len(self.comments) + 1,
            "issue": number,
            "user": user or BOT,
            "body": body,
            "html_url": f"https://github.example/comment/{len(self.comments) + 1}",
        }
        self.comments.append(one)
        return one

    def add_issue(self, body: str, labels: list[str], user: Record | None = None) -> Record:
        number = len(self.issues) + 100
        one = {
            "number": number,
            "user": user or BOT,
            "body": body,
            "labels": labels,
            "state": "open",
            "html_url": f"https://github.example/issue/{number}",
        }
        self.issues.append(one)
        return one

    def answer(self, method: str, path: str, query: Record, body: Record) -> Any:
        """A list to page through, one record, or None for what is not there."""
        if found := re.fullmatch(r"/issues/(\d+)/comments", path):
            number = int(found[1])
            if method == "POST":
                return self.add_comment(number, body["body"])
            return [one for one in self.comments if one["issue"] == number]
        if found := re.fullmatch(r"/issues/comments/(\d+)", path):
            return self._changed(self.comments, "id", int(found[1]), body)
        if found := re.fullmatch(r"/issues/(\d+)", path):
            return self._changed(self.issues, "number", int(found[1]), body)
        if path == "/issues" and method == "POST":
            return self.add_issue(body["body"], body["labels"]) | {"title": body["title"]}
        if path == "/issues":
            wanted = query["labels"][0]
            return [
                one for one in self.issues if wanted in one["labels"] and one["state"] == "open"
            ]
        if found := re.fullmatch(r"/commits/([0-9a-f]{40})/pulls", path):
            return self._pulls(found[1])
        return None

    def _changed(self, records: list[Record], key: str, value: int, body: Record) -> Record | None:
        for one in records:
            if one[key] == value:
                one.update(body)
                return one
        return None

    def _pulls(self, commit: str) -> list[Record]:
        other = {"number": 1, "merged_at": None, "merge_commit_sha": commit}
        if commit not in self.merged:
            return [other]
        merged = {"merged_at": "2026-11-23T10:00:00Z", "merge_commit_sha": commit}
        return [other, {"number": self.merged[commit], **merged}]


class _Handler(BaseHTTPRequestHandler):
    github: GitHub
    protocol_version = "HTTP/1.1"

    def _handle(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        body = json.loads(self.rfile.read(length)) if length else {}
        github, parts = self.github, urlsplit(self.path)
        github.asked.append(f"{self.command} {parts.path.removeprefix(ROOT)}")
        if github.refusals:
            code, headers = github.refusals.pop(0)
            return self._send(code, {"message": "refused"}, headers)
        if self.headers["authorization"] != f"Bearer {TOKEN}":
            return self._send(401, {"message": "Bad credentials"})
        if len(body.get("body", "")) > LONGEST_BODY:
            return self._send(422, {"message": "body is too long"})
        query = parse_qs(parts.query)
        found = None
        if parts.path.startswith(ROOT):
            found = github.answer(self.command, parts.path.removeprefix(ROOT), query, body)
        if found is None:
            return self._send(404, {"message": "Not Found"})
        if not isinstance(found, list):
            return self._send(201 if self.command == "POST" else 200, found)
        return self._page(found, parts.path, query)

    def _page(self, found: list[Record], path: str, query: dict[str, list[str]]) -> None:
        size = min(int(query.get("per_page", ["30"])[0]), self.github.largest_page)
        page = int(query.get("page", ["1"])[0])
        headers = {}
        if page * size < len(found):
            again = urlencode({**query, "page": [str(page + 1)]}, doseq=True)
            host = self.github.next_page_host or self.github.address
            headers["link"] = f'<{host}{path}?{again}>; rel="next"'
        self._send(200, found[(page - 1) * size : page * size], headers)

    def _send(self, code: int, body: Any, headers: dict[str, str] | None = None) -> None:
        content = json.dumps(body).encode()
        self.send_response(code)
        for name, value in {**(headers or {}), "content-length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = _handle  # noqa: N815

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[GitHub]:
    """A GitHub of this test's own."""
    github = GitHub()
    handler = type("Handler", (_Handler,), {"github": github})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    github.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield github
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
