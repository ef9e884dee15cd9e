"""VictoriaMetrics, vmalert and Alertmanager as processes, on free ports, as in the platform."""

import http.server
import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.observability.files import RULES, SCRAPE

START_SECONDS = 60
PACKAGES = {
    "victoria-metrics": "victoria-metrics",
    "vmalert": "victoria-metrics",
    "prometheus-alertmanager": "prometheus-alertmanager",
}


def require(*programs: str) -> None:
    """Skip where one is not installed, and say how to get it."""
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        packages = " ".join(sorted({PACKAGES[program] for program in missing}))
        pytest.skip(f"{', '.join(missing)} missing: apt-get install {packages}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def process(command: Sequence[str], ready: str, log: Path) -> Iterator[None]:
    """Running from when `ready` answers 200."""
    with log.open("wb") as file:
        running = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(ready):
            if running.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"{command[0]} did not start:\n{log.read_text()[-3000:]}")
            time.sleep(0.02)
        yield
    finally:
        running.terminate()
        running.wait(60)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


class VictoriaMetrics:
    """A running one, and what it answers."""

    def __init__(self, url: str) -> None:
        self.url = url

    def query(self, expr: str) -> list[dict[str, Any]]:
        return self._result("query", query=expr)

    def query_range(self, expr: str, seconds: int) -> list[dict[str, Any]]:
        end = time.time()
        return self._result(
            "query_range", query=expr, start=str(end - seconds), end=str(end), step="1s"
        )

    def _result(self, path: str, **parameters: str) -> list[dict[str, Any]]:
        answer = httpx.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=30)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["data"]["result"]
        return found


def scrape_configuration(targets: Mapping[str, Sequence[str]]) -> str:
    """The platform's own, with addresses in place of names, and every half second."""
    configuration = yaml.safe_load(SCRAPE.read_text())
    configuration["global"] |= {
        "scrape_interval": "500ms",
        "external_labels": {"namespace": "stargate-test.internal"},
    }
    for job in configuration["scrape_configs"]:
        job.pop("dns_sd_configs", None)
        job["static_configs"] = [{"targets": list(targets.get(job["job_name"], []))}]
    return yaml.safe_dump(configuration)


@contextmanager
def victoria_metrics(
    folder: Path, targets: Mapping[str, Sequence[str]]
) -> Iterator[VictoriaMetrics]:
    port = free_port()
    scrape = folder / "scrape.yml"
    scrape.write_text(scrape_configuration({**targets, "victoria-metrics": [f"127.0.0.1:{port}"]}))
    command = [
        "victoria-metrics",
        f"-httpListenAddr=127.0.0.1:{port}",
        f"-storageDataPath={folder / 'storage'}",
        f"-promscrape.config={scrape}",
        "-search.latencyOffset=0s",
        "-memory.allowedBytes=256MB",
    ]
    url = f"http://127.0.0.1:{port}"
    with process(command, f"{url}/health", folder / "victoria-metrics.log"):
        yield VictoriaMetrics(url)


@contextmanager
def vmalert(
    folder: Path, metrics: VictoriaMetrics, alertmanager_url: str, rules: Sequence[Path], port: int
) -> Iterator[str]:
    command = [
        "vmalert",
        f"-httpListenAddr=127.0.0.1:{port}",
        f"-datasource.url={metrics.url}",
        f"-remoteRead.url={metrics.url}",
        f"-remoteWrite.url={metrics.url}",
        "-remoteWrite.flushInterval=200ms",
        f"-notifier.url={alertmanager_url}",
        *(f"-rule={file}" for file in rules),
    ]
    url = f"http://127.0.0.1:{port}"
    with process(command, f"{url}/health", folder / "vmalert.log"):
        yield url


@contextmanager
def alertmanager(folder: Path, configuration: str, port: int) -> Iterator[str]:
    file = folder / "alertmanager.yml"
    file.write_text(configuration)
    command = [
        "prometheus-alertmanager",
        f"--config.file={file}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        f"--storage.path={folder / 'alertmanager'}",
    ]
    url = f"http://127.0.0.1:{port}"
    with process(command, f"{url}/-/ready", folder / "alertmanager.log"):
        yield url


@contextmanager
def webhook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A place that alerts are sent to, and what has come."""
    received: list[dict[str, Any]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            received.extend(body["alerts"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            del format, args

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", received
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def quick(folder: Path) -> list[Path]:
    """The platform's rules, evaluated each second instead of each half minute, and at once."""
    folder.mkdir()
    files = []
    for file in RULES:
        document = yaml.safe_load(file.read_text())
        for group in document["groups"]:
            group["interval"] = "1s"
            for rule in group["rules"]:
                rule.pop("for", None)
        quicker = folder / file.name
        quicker.write_text(yaml.safe_dump(document))
        files.append(quicker)
    return files
