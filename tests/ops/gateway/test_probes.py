"""The diagnostics of the gateway, beside a real one and its database."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ops.diagnostics import source
from tests.support.stack import Stack


def probe(name: str, stack: Stack, **more: str) -> "subprocess.CompletedProcess[str]":
    """Run as in the container: from its text, with the gateway's environment."""
    environ = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": stack.database_url,
        "GATEWAY_INTERNAL_PORT": stack.gateway.internal_url.rpartition(":")[2],
        "GATEWAY_SPOOL_DIR": str(stack.directory / "spool"),
        **more,
    }
    return subprocess.run(
        [sys.executable, "-c", source(name)],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )


def test_health_is_what_the_gateway_says(stack: Stack) -> None:
    done = probe("health.py", stack)

    assert done.returncode == 0, done.stderr
    assert '/health/readiness 200 {"status":"healthy","db":"connected"}' in done.stdout


def test_a_gateway_that_does_not_answer_fails_it(stack: Stack) -> None:
    done = probe("health.py", stack, GATEWAY_INTERNAL_PORT="9")

    assert done.returncode == 1
    assert "refused" in done.stdout


def test_the_database_answers_with_its_size_and_connections(stack: Stack) -> None:
    done = probe("database.py", stack)

    assert done.returncode == 0, done.stderr
    assert "connected in" in done.stdout
    assert " connections, " in done.stdout


def test_a_database_that_is_away_is_told_without_its_password(stack: Stack) -> None:
    away = "postgresql://gateway:the-password@127.0.0.1:9/gateway"
    done = probe("database.py", stack, DATABASE_URL=away)

    assert done.returncode == 1
    assert "does not answer" in done.stderr
    assert "the-password" not in done.stdout + done.stderr


def test_what_waits_in_the_spool_is_counted(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / "1").write_bytes(b"12345")

    done = probe("disk.py", stack, GATEWAY_SPOOL_DIR=str(tmp_path / "spool"))

    assert "spool: 1 files, 5 bytes" in done.stdout


@pytest.mark.parametrize("name", ["processes.py", "memory.py"])
def test_the_others_tell_of_the_machine(stack: Stack, name: str) -> None:
    assert len(probe(name, stack).stdout.splitlines()) > 1
