"""What a newcomer does: `./dev up`, use it, `./dev down`, and again."""

import json
import os
import signal
import socket
import subprocess
import urllib.request

import pytest

from app.local.ports import HOST
from tests.support.dev import Dev

VARIABLES = {
    "ANTHROPIC_BASE_URL",
    "ANTHROPIC_AUTH_TOKEN",
    "OPENAI_BASE_URL",
    "OPENAI_API_KEY",
    "GATEWAY_INTERNAL_URL",
    "GATEWAY_MASTER_KEY",
    "DATABASE_URL",
    "BEDROCK_EMULATOR_URL",
}
STARTING_ALL = pytest.mark.timeout(600)


def ask(url: str, key: str) -> dict[str, object]:
    message = {"role": "user", "content": "Hello"}
    body = {"model": "claude-haiku-4-5", "max_tokens": 50, "messages": [message]}
    request = urllib.request.Request(
        f"{url}/v1/messages",
        json.dumps(body).encode(),
        {"authorization": f"Bearer {key}", "content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        answer: dict[str, object] = json.load(response)
    return answer


@STARTING_ALL
def test_up_is_ready_when_it_returns_and_tells_how_to_use_it(dev: Dev) -> None:
    done = dev.up()
    assert done.returncode == 0, done.stderr
    values = dev.sourced()
    assert values.keys() >= VARIABLES
    url, key = values["ANTHROPIC_BASE_URL"], values["ANTHROPIC_AUTH_TOKEN"]
    assert url == f"http://{HOST}:{dev.port}"
    assert values["OPENAI_BASE_URL"] == f"{url}/v1"
    assert values["GATEWAY_INTERNAL_URL"] == f"http://{HOST}:{dev.internal_port}"
    assert f"export ANTHROPIC_BASE_URL={url}\n" in done.stdout
    assert f"export ANTHROPIC_AUTH_TOKEN={key}\n" in done.stdout
    assert f"curl {url}/v1/messages" in done.stdout
    assert values["GATEWAY_MASTER_KEY"] not in done.stdout + done.stderr
    assert (dev.state / "gateway.env").stat().st_mode & 0o777 == 0o600
    assert ask(url, key)["type"] == "message"


@STARTING_ALL
def test_the_curl_line_works_as_it_is_printed(dev: Dev) -> None:
    lines = dev.up().stdout.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("  curl http"))
    script = "\n".join(lines[start : start + 2]).replace("curl", "curl -sS", 1)
    done = subprocess.run(["sh", "-c", script], check=True, capture_output=True, text=True)
    assert json.loads(done.stdout)["type"] == "message"


@STARTING_ALL
def test_a_second_up_changes_nothing_and_mends_what_died(dev: Dev) -> None:
    first, before = dev.up(), dev.table()
    assert dev("status").returncode == 0
    assert dev.up().stdout == first.stdout
    assert dev.table() == before
    os.kill(int(before["gateway"][0]), signal.SIGKILL)
    assert dev("status").returncode == 1
    assert dev.up().stdout == first.stdout
    assert dev("status").returncode == 0
    assert dev.table()["emulator"] == before["emulator"]


@STARTING_ALL
def test_down_stops_everything_and_the_next_up_finds_users_and_keys(dev: Dev) -> None:
    first = dev.up()
    down = dev("down")
    assert down.returncode == 0
    assert "gateway, emulator, postgres" in down.stdout
    assert dev("status").returncode == 1
    assert {row[0] for row in dev.table().values()} == {"-"}
    assert "Nothing was running" in dev("down").stdout
    assert dev.up().stdout == first.stdout
    values = dev.sourced()
    assert ask(values["ANTHROPIC_BASE_URL"], values["ANTHROPIC_AUTH_TOKEN"])["type"] == "message"


@STARTING_ALL
def test_a_busy_port_is_named_before_anything_starts(dev: Dev) -> None:
    with socket.create_server((HOST, dev.internal_port)):
        done = dev.up()
    assert done.returncode == 1
    assert f"Port {dev.internal_port} is in use by process {os.getpid()}" in done.stderr
    assert "--internal-port" in done.stderr
    assert {row[0] for row in dev.table().values()} == {"-"}


@STARTING_ALL
def test_aws_without_credentials_is_refused_before_anything_starts(dev: Dev) -> None:
    done = dev.up("--bedrock", "aws")
    assert done.returncode == 1
    assert "No AWS credentials" in done.stderr
    assert {row[0] for row in dev.table().values()} == {"-"}


@STARTING_ALL
def test_a_gateway_that_fails_is_shown_with_its_log_and_takes_nothing_with_it(dev: Dev) -> None:
    dev.state.mkdir()
    (dev.state / "spool").write_text("not a folder")
    done = dev.up()
    assert done.returncode == 1
    assert "spool" in done.stderr
    assert {row[0] for row in dev.table().values()} == {"-"}
