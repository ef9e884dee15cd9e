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
    "/v1/model/info",
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


NO_UTF8 = {
    # Bytes that a lenient decoder reads as a dot or a slash, or as nothing at all.
    "overlong in two bytes": ("%c0%ae", "%c0%af", "%c1%9c"),
    "overlong in three": ("%e0%80%ae", "%e0%80%af", "%e0%81%9c"),
    "overlong in four": ("%f0%80%80%ae", "%f0%80%80%af", "%f0%80%81%9c"),
    "overlong in five and six": ("%f8%80%80%80%ae", "%fc%80%80%80%80%af"),
    "surrogates": ("%ed%a0%80", "%ed%bf%bf", "%ed%a0%bd%ed%b8%80"),
    "beyond Unicode": ("%f4%90%80%80", "%f5%80%80%80", "%ff", "%fe"),
    "cut short": ("%c3", "%e2%82", "%f0%9f%98", "%80", "%bf"),
}
LOOKS_LIKE_ASCII = {
    "full-width": ("%ef%bc%8e", "%ef%bc%8f", "%ef%bc%bc", "%ef%bc%85"),
    "one and two dot leaders": ("%e2%80%a4", "%e2%80%a5", "%e2%80%a6"),
    "slashes of mathematics": ("%e2%81%84", "%e2%88%95", "%e2%a7%b8"),
    "unseen": ("%e2%80%8b", "%ef%bb%bf", "%c2%ad", "%e2%80%ae"),
}
NO_PERCENT_ENCODING = {
    "of JavaScript": ("%u002e", "%u002f", "%u2215", "%uff0e"),
    "cut short": ("%", "%2", "%zz", "%%", "%g0", "%0"),
}


def written_oddly() -> list[tuple[str, str]]:
    """Kind and path: each odd spelling at every place of public and administrative paths, encoded
    once, twice and three times."""
    found = []
    for table in (NO_UTF8, LOOKS_LIKE_ASCII, NO_PERCENT_ENCODING):
        for kind, spellings in table.items():
            for odd in spellings:
                for path in _with(odd):
                    found += [(kind, path.replace(odd, form)) for form in _again(odd)]
    return list(dict.fromkeys(found))


def _with(odd: str) -> Iterator[str]:
    for path in ("/v1/messages", "/v1/models/x", "/bedrock/model/x/invoke", "/grafana/d/x"):
        yield path + odd
        yield f"{path}/{odd}{odd}/user/new"
    for path in ("/v1/model/info", "/key/generate", "/user/new"):
        yield f"/v1/{odd}{odd}{path}"
        yield f"/v1/{odd}{odd}{odd}{path[1:]}"
        yield f"/v1{odd}..{odd}{path[1:]}"
        yield path.replace("/", odd)
        yield f"{path}{odd}"


def _again(odd: str) -> tuple[str, str, str]:
    twice = odd.replace("%", "%25")
    return odd, twice, twice.replace("%", "%25")


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
