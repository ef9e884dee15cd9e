"""The gateway and the emulator as processes of their own, as they are in real life."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx

from app.local.emulator.options import EmulatorOptions
from tests.support.fork_server import PROGRAMS, Forked, ForkServer

ROOT = Path(__file__).parents[2]
MASTER_KEY = "sk-master-key-of-the-tests"
START_SECONDS = 60
STOP_SECONDS = 60
STDERR = 2
EMULATOR = EmulatorOptions()

Process = subprocess.Popen[bytes] | Forked

_fork_servers: list[ForkServer] = []


@contextmanager
def forking() -> Iterator[None]:
    """Gateways and emulators that start inside are forked from one process that imported them."""
    with closing(ForkServer()) as server:
        _fork_servers.append(server)
        yield
        _fork_servers.remove(server)


@contextmanager
def starting_python() -> Iterator[None]:
    """Those that start inside are programs of their own all the same."""
    servers, _fork_servers[:] = _fork_servers[:], []
    yield
    _fork_servers[:] = servers


def _start(
    program: str,
    *arguments: str,
    environment: Mapping[str, str],
    directory: Path,
    stdout: IO[bytes] | int,
    stderr: IO[bytes] | int,
) -> Process:
    """`python -m program`, by a fork where the server's imports are those of the program."""
    here = environment.get("PYTHONPATH", str(ROOT)) == str(ROOT)
    if sys.platform == "linux" and _fork_servers and program in PROGRAMS and here:
        return _fork_servers[-1].start(
            program,
            arguments,
            environment=environment,
            directory=directory,
            descriptors=[one if isinstance(one, int) else one.fileno() for one in (stdout, stderr)],
        )
    return subprocess.Popen(
        [sys.executable, "-m", program, *arguments],
        env=environment,
        cwd=directory,
        stdout=stdout,
        stderr=stderr,
    )


@dataclass
class GatewayProcess:
    """A running gateway. `log` is what it wrote so far."""

    process: Process
    output: Path
    public_url: str
    internal_url: str

    def written(self) -> str:
        """All of its log, with those requests that it was about to tell of: a scrape hurries it."""
        if self.process.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                self.metrics()
        return self.output.read_text()

    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.written().splitlines() if line.startswith("{")]

    def outcomes(self) -> list[dict[str, Any]]:
        return [line for line in self.log() if line["message"] == "request"]

    def admin(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        """An administrative call that must succeed."""
        response = self.try_admin(method, path, **body)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def try_admin(self, method: str, path: str, **body: Any) -> httpx.Response:
        return self.try_as(MASTER_KEY, method, path, **body)

    def try_as(self, secret: str, method: str, path: str, **body: Any) -> httpx.Response:
        """An administrative call with a key of one's own."""
        in_body = method in {"POST", "PUT"}
        return httpx.request(
            method,
            self.internal_url + path,
            headers={"authorization": f"Bearer {secret}"},
            json=body if in_body else None,
            params=None if in_body or not body else body,
        )

    def metrics(self) -> str:
        return httpx.get(f"{self.internal_url}/metrics").text

    def new_key(self, **fields: Any) -> str:
        return str(self.admin("POST", "/key/generate", **fields)["key"])

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(STOP_SECONDS)

    def stop(self) -> int:
        """The exit code after a SIGTERM."""
        self.process.terminate()
        return self.process.wait(STOP_SECONDS)


@contextmanager
def gateway_process(
    database_url: str,
    bedrock_url: str,
    directory: Path,
    environment: Mapping[str, str] | None = None,
    *,
    module: str = "app.main",
) -> Iterator[GatewayProcess]:
    """A gateway on free ports; `directory` gets its log and its spool. Another `module` may put
    stand-ins in before it runs the gateway."""
    settings = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": database_url,
        "GATEWAY_MASTER_KEY": MASTER_KEY,
        "GATEWAY_PUBLIC_PORT": "0",
        "GATEWAY_INTERNAL_PORT": "0",
        "GATEWAY_BEDROCK_ENDPOINT": bedrock_url,
        # All of a test's clients share an address.
        "GATEWAY_FAILED_AUTH_PER_MINUTE": "0",
        # Tests say themselves what users may spend.
        "GATEWAY_DEFAULT_USER_MAX_BUDGET": "none",
        "GATEWAY_SPOOL_DIR": str(directory / "spool"),
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": EMULATOR.access_key,
        "AWS_SECRET_ACCESS_KEY": EMULATOR.secret_key,
        "AWS_EC2_METADATA_DISABLED": "true",
        **(environment or {}),
    }
    number = len(list(directory.glob("gateway-*.log")))
    output = directory / f"gateway-{number}.log"
    with output.open("wb") as file:
        process = _start(
            module, environment=settings, directory=directory, stdout=file, stderr=file
        )
    try:
        where = _serving(process, output)
        yield GatewayProcess(
            process,
            output,
            f"http://127.0.0.1:{where['public'][1]}",
            f"http://127.0.0.1:{where['internal'][1]}",
        )
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(STOP_SECONDS)


def _serving(process: Process, output: Path) -> dict[str, Any]:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        for line in output.read_text().splitlines():
            if '"message":"serving"' in line:
                found: dict[str, Any] = json.loads(line)
                return found
        time.sleep(0.02)
    raise AssertionError(f"the gateway did not start:\n{output.read_text()[-4000:]}")


@dataclass(frozen=True, slots=True)
class EmulatorProcess:
    """A running Bedrock emulator."""

    url: str

    def usage(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = httpx.get(f"{self.url}/__emulator__/usage").json()["requests"]
        return rows

    def received(self) -> list[dict[str, Any]]:
        answer = httpx.get(f"{self.url}/__emulator__/requests").json()
        rows: list[dict[str, Any]] = answer["requests"]
        return rows

    def forget_usage(self) -> None:
        httpx.delete(f"{self.url}/__emulator__/usage").raise_for_status()

    def scenario(self, *scenarios: Mapping[str, Any]) -> None:
        response = httpx.post(f"{self.url}/__emulator__/scenario", json=list(scenarios))
        assert response.status_code == 200, response.text


@contextmanager
def emulator_process(*arguments: str) -> Iterator[EmulatorProcess]:
    """An emulator on a free port."""
    reading, writing = os.pipe()
    process = _start(
        "app.local.emulator",
        "--port",
        "0",
        *arguments,
        environment=os.environ,
        directory=ROOT,
        stdout=writing,
        stderr=STDERR,
    )
    os.close(writing)
    with open(reading) as stdout:
        try:
            yield EmulatorProcess(stdout.readline().split()[-1])
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)
