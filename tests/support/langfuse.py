"""A server that takes traces as Langfuse does, and can be slow, wrong or down as it can."""

import base64
import gzip
import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

PUBLIC, SECRET = "pk-lf-of-the-tests", "sk-lf-of-the-tests"
PATH = "/api/public/otel/v1/traces"


@dataclass
class Langfuse:
    """What has arrived. `status` is what it answers; until `go` is set it answers nothing."""

    url: str = ""
    status: int = 200
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    spans: list[dict[str, Any]] = field(default_factory=list)
    go: threading.Event = field(default_factory=threading.Event)

    def generations(self) -> list[dict[str, Any]]:
        return [s for s in self.spans if s["langfuse.observation.type"] == "generation"]

    def settings(self) -> dict[str, str]:
        """Of a gateway that is to send its traces here."""
        return {
            "LANGFUSE_PUBLIC_KEY": PUBLIC,
            "LANGFUSE_SECRET_KEY": SECRET,
            "LANGFUSE_BASE_URL": self.url,
        }


@contextmanager
def langfuse_server() -> Iterator[Langfuse]:
    found = Langfuse()
    found.go.set()
    wanted = "Basic " + base64.b64encode(f"{PUBLIC}:{SECRET}".encode()).decode()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            found.go.wait(60)
            found.requests.append((self.path, headers))
            if headers.get("authorization") != wanted:
                self._reply(401)
            elif self.path == PATH and found.status == 200:
                if headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                found.spans.extend(_spans(body))
                self._reply(200)
            else:
                self._reply(found.status)

        def _reply(self, status: int) -> None:
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(status)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            del format, args

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        found.go.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _spans(body: bytes) -> Iterator[dict[str, Any]]:
    """Each span's attributes, with JSON read, and its name, ids and seconds."""
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield {
                    "name": span.name,
                    "scope": scope.scope.name,
                    "trace": span.trace_id.hex(),
                    "id": span.span_id.hex(),
                    "parent": span.parent_span_id.hex(),
                    "start": span.start_time_unix_nano / 1e9,
                    "seconds": (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
                    "failed": span.status.code == 2,
                } | {attribute.key: _value(attribute.value) for attribute in span.attributes}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(one) for one in value.array_value.values]
    found = getattr(value, kind) if kind else None
    try:
        return json.loads(found) if isinstance(found, str) else found
    except ValueError:
        return found
