"""Public paths as clients send them, and attempts to reach administration by another spelling."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote

LEGITIMATE = (
    "/v1/messages",
    "/v1/messages/count_tokens",
    "/v1/chat/completions",
    "/v1/models",
    "/v1/models/claude-haiku-4-5",
    "/v1/models/us.anthropic.claude-haiku-4-5-20251001-v1:0",
    "/v1/models/us.anthropic.claude-haiku-4-5-20251001-v1%3A0",
    "/bedrock/model/us.anthropic.claude-sonnet-5-5/invoke",
    "/bedrock/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke-with-response-stream",
    "/bedrock/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.anthropic.x/invoke",
    "/bedrock/model/anthropic.claude-haiku-5-5/count-tokens",
    "/bedrock/inference-profiles",
    "/bedrock/inference-profiles/us.anthropic.claude-haiku-5-5",
    "/health/liveliness",
    "/health/liveness",
    "/health/readiness",
    "/api/hello",
    "/grafana",
    "/grafana/",
    "/grafana/login",
    "/grafana/public/build/app.4f8a9c1b.js",
    "/grafana/d/llm-usage/llm-usage",
    "/grafana/api/datasources/uid/victoria/resources/api/v1/query",
)
DASHBOARDS = ("/grafana",)
ADMINISTRATION = (
    "/user/new",
    "/user/info",
    "/key/generate",
    "/key/info",
    "/model/betas",
    "/spend/logs",
    "/global/spend",
    "/metrics",
    "/openapi.json",
    "/docs",
)
HEADERS_THAT_NAME_ANOTHER_PATH = (
    "x-original-url",
    "x-original-uri",
    "x-rewrite-url",
    "x-forwarded-uri",
    "x-forwarded-prefix",
    "x-override-url",
    "x-http-destinationurl",
)
HEADERS_THAT_NAME_ANOTHER_METHOD = ("x-http-method-override", "x-http-method", "x-method-override")
LOOK_ALIKES = {
    # Letters of other scripts, full width, and with marks that normalisation drops.
    "u": ("\uff55", "\u03c5", "\u0075\u0301"),
    "k": ("\uff4b", "\u043a", "\u212a"),
    "m": ("\uff4d", "\u043c"),
    "s": ("\uff53", "\u0455", "\u017f"),
    "g": ("\uff47", "\u0261"),
    "o": ("\uff4f", "\u043e"),
    "d": ("\uff44", "\u0501"),
    "/": ("\uff0f", "\u2044", "\u2215"),
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request line's target as it is sent, and what else is sent with it."""

    target: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = field(default=())
    kind: str = ""

    @property
    def uri(self) -> str:
        """The path as CloudFront hands it to its function."""
        rest = self.target
        if rest.lower().startswith(("http://", "https://")):
            rest = "/" + rest.split("/", 3)[3]
        return rest.split("?")[0]


def attempts() -> list[Attempt]:
    """More than 300 of them, no two alike."""
    found: dict[tuple[str, str, tuple[tuple[str, str], ...]], Attempt] = {}
    for path in ADMINISTRATION:
        for kind, target in _spellings(path):
            found.setdefault((target, "GET", ()), Attempt(target, kind=kind))
        for one in (*_by_headers(path), *_by_methods(path)):
            found.setdefault((one.target, one.method, one.headers), one)
    return list(found.values())


def _spellings(path: str) -> Iterator[tuple[str, str]]:
    first, *rest = path[1:].split("/")
    tail = "".join(f"/{one}" for one in rest)
    yield "plain", path
    yield "query", f"{path}?x=/v1/messages"
    yield "fragment", f"{path}%23/v1/models"
    yield "trailing slash", f"{path}/"
    yield "trailing dot", f"/{first}.{tail}"
    yield "trailing space", f"/{first}%20{tail}"
    yield from (("case", f"/{one}{tail}") for one in (first.upper(), first.title()))
    yield from (
        ("slashes", one + path[1:]) for one in ("//", "///", "/./", "/%2f", "/%2F/", "/.//")
    )
    yield from (
        ("backslashes", f"{one}{first}{tail}") for one in ("/%5c", "/v1%5c..%5c", "/%5C%5C")
    )
    yield "encoded letter", f"/%{ord(first[0]):02x}{first[1:]}{tail}"
    yield "all encoded", "/" + "".join(f"%{ord(one):02X}" for one in first) + tail
    yield "encoded slash", f"/{first}" + tail.replace("/", "%2f")
    yield "encoded twice", f"/%25{ord(first[0]):02x}{first[1:]}{tail}"
    yield "encoded thrice", f"/%2525{ord(first[0]):02x}{first[1:]}{tail}"
    for public in ("/v1", "/health", "/bedrock", "/grafana", "/v1/messages"):
        up = "/.." * public.count("/")
        yield "dots", f"{public}{up}{path}"
    for dots in (
        "/%2e%2e",
        "/.%2e",
        "/%2E.",
        "/%252e%252e",
        "/..;",
        "/..%3b",
        "/%2e%2e%2f.",
        "/..%00",
    ):
        yield "encoded dots", f"/v1{dots}{path}"
    yield "encoded dots and slashes", f"/v1%2f..%2f{first}{tail}"
    yield "encoded twice", f"/v1%252f..%252f{first}{tail}"
    yield "overlong", f"/v1/%c0%ae%c0%ae{path}"
    yield "overlong", f"/v1/%c0%2e%c0%2e{path}"
    yield "overlong slash", f"/v1/..%c0%af{first}{tail}"
    yield from (
        ("parameters", one) for one in (f"/{first};a=b{tail}", f"/;{path}", f"/v1;/..{path}")
    )
    yield from (
        ("control", f"/{first}{one}{tail}") for one in ("%00", "%09", "%0a", "%0d%0a", "%7f")
    )
    yield from (("control", f"/{one}{first}{tail}") for one in ("%00", "%20", "%09"))
    for look_alike in LOOK_ALIKES.get(first[0], ()):
        yield "look-alike", "/" + quote(look_alike + first[1:]) + tail
    for slash in LOOK_ALIKES["/"]:
        yield "look-alike slash", "/v1/" + quote(f"..{slash}") + path[1:]
    yield from (
        ("absolute", f"{one}{path}") for one in ("http://localhost", "https://127.0.0.1:4001")
    )
    yield "absolute", f"http://localhost/v1/..{path}"


def _by_headers(path: str) -> Iterator[Attempt]:
    for name in HEADERS_THAT_NAME_ANOTHER_PATH:
        yield Attempt("/", headers=((name, path),), kind="header")
    yield Attempt(path, headers=(("x-forwarded-for", "10.10.0.5"),), kind="header")
    yield Attempt(path, headers=(("x-forwarded-host", "internal"),), kind="header")
    yield Attempt(path, headers=(("x-forwarded-port", "4001"),), kind="header")


def _by_methods(path: str) -> Iterator[Attempt]:
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"):
        yield Attempt(path, method=method, kind="method")
    for name in HEADERS_THAT_NAME_ANOTHER_METHOD:
        yield Attempt(path, headers=((name, "POST"),), kind="method")
