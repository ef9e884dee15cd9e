"""The command as a whole: options, reporters, exit codes, credentials."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from ops import cli
from ops.commands import COMMANDS, GROUPS
from ops.errors import Misuse
from ops.exits import Exit
from tests.ops.support.fake_client import client

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    """The address of a moto with a cluster."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def environ(aws: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_ENDPOINT_URL": aws,
        "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def ops(environ: Mapping[str, str], *words: str, **more: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "ops", *words],
        env={**environ, **more},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_command_runs_as_a_process_against_aws(environ: dict[str, str], aws: str) -> None:
    client("ecs", aws).create_cluster(clusterName="stargate-poc")

    done = ops(environ, "ecs", "status", "--env", "poc", "--output", "json")

    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["sections"][0]["facts"]["name"] == "stargate-poc"
    assert "arn:aws:sts::123456789012:" in done.stderr


def test_an_unknown_service_ends_with_its_code(environ: dict[str, str]) -> None:
    done = ops(environ, "--env", "poc", "ecs", "status", "no-such")

    assert done.returncode == Exit.NOT_FOUND
    assert done.stderr.splitlines()[-2] == "error: There is no service 'no-such'."


def test_a_workflow_gets_annotations_and_a_summary(environ: dict[str, str], tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"

    done = ops(
        environ,
        *("--env", "poc", "ecs", "restart", "x\n::error::y"),
        GITHUB_ACTIONS="true",
        GITHUB_STEP_SUMMARY=str(summary),
    )

    assert done.returncode == Exit.NOT_FOUND
    assert done.stdout.startswith("::error title=ops%3A not_found::There is no service 'x\\n")
    assert len(done.stdout.splitlines()) == 1
    assert summary.exists()


def test_without_credentials_it_says_how_to_get_some(environ: dict[str, str]) -> None:
    del environ["AWS_ACCESS_KEY_ID"]

    done = ops(environ, "--env", "poc", "ecs", "status")

    assert done.returncode == Exit.CREDENTIALS
    assert "aws sso login" in done.stderr


def test_a_profile_that_is_missing_is_told(environ: dict[str, str]) -> None:
    done = ops(environ, "--env", "poc", "ecs", "status", AWS_PROFILE="nobody")

    assert done.returncode == Exit.CREDENTIALS
    assert "nobody" in done.stderr


def test_another_account_is_not_touched(environ: dict[str, str]) -> None:
    done = ops(environ, "--env", "poc", "ecs", "status", STARGATE_ACCOUNT_ID="999999999999")

    assert done.returncode == Exit.CREDENTIALS
    assert "of account 123456789012; the environment is in 999999999999" in done.stderr


def test_an_aws_that_does_not_answer_is_told(environ: dict[str, str]) -> None:
    done = ops(
        environ,
        *("--env", "poc", "ecs", "status"),
        AWS_ENDPOINT_URL="http://127.0.0.1:9",
        AWS_MAX_ATTEMPTS="1",
    )

    assert done.returncode == Exit.UNREACHABLE


def test_help_needs_nothing(environ: dict[str, str]) -> None:
    done = ops({"PATH": environ["PATH"]}, "--help")

    assert done.returncode == 0
    assert all(group in done.stdout for group in GROUPS)


AS_IN_A_TERMINAL = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("ops", run_name="__main__")
"""
"""What a script starts in the background does not hear of Ctrl-C, nor do its children."""


def test_ctrl_c_ends_with_a_line_and_130(environ: dict[str, str], aws: str) -> None:
    logs = client("logs", aws)
    logs.create_log_group(logGroupName="/stargate-poc/gateway")
    follow = ["--env", "poc", "ecs", "logs", "gateway", "--follow"]
    with subprocess.Popen(
        [sys.executable, "-c", AS_IN_A_TERMINAL, *follow],
        env=environ,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stderr is not None
            assert process.stderr.readline().startswith("as arn:")
            process.send_signal(signal.SIGINT)
            _, told = process.communicate(timeout=60)
        finally:
            process.kill()

    assert process.returncode == Exit.INTERRUPTED
    assert told == "error: Interrupted.\nWhat was begun in AWS goes on by itself.\n"


@pytest.mark.parametrize(
    "words",
    [
        ["--env", "poc", "--output", "json", "ecs", "status"],
        ["ecs", "status", "--env", "poc", "--output", "json"],
        ["--env", "prod", "ecs", "status", "--output", "json", "--env", "poc"],
    ],
)
def test_options_of_all_commands_stand_before_or_after_the_command(words: list[str]) -> None:
    args = cli.parser().parse_args(words)

    assert (args.env, args.output) == ("poc", "json")


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["dance"],
        ["ecs"],
        ["ecs", "dance"],
        ["ecs", "scale", "gateway"],
        ["ecs", "scale", "gateway", "many"],
        ["--env", "staging", "ecs", "status"],
        ["--output", "xml", "ecs", "status"],
        ["ecs", "stat"],
        ["ecs", "status", "--timeout", "soon"],
        ["gateway", "keys", "--near", "101"],
    ],
)
def test_a_command_that_makes_no_sense_is_misuse(words: list[str]) -> None:
    with pytest.raises(Misuse):
        cli.parser().parse_args(words)


def test_an_environment_must_be_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["ecs", "status"], {}) is Exit.USAGE
    assert "STARGATE_ENV" in capsys.readouterr().err


def test_an_environment_that_there_is_not_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ecs", "status"], {"STARGATE_ENV": "staging"}) is Exit.USAGE
    assert "there are poc, prod" in capsys.readouterr().err


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_has_help(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        cli.parser().parse_args([*path.split(), "--help"])

    assert raised.value.code == 0
    assert COMMANDS[path].HELP.split()[0] in capsys.readouterr().out
