"""A forked process is what `python -m` would have started."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.fork_server import Forked, ForkServer
from tests.support.processes import ROOT

ENVIRONMENT = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    with closing(ForkServer()) as server:
        yield server


def start(server: ForkServer, output: Path, program: str, *arguments: str) -> Forked:
    with output.open("wb") as file:
        return server.start(
            program,
            arguments,
            environment=ENVIRONMENT,
            directory=output.parent,
            descriptors=[file.fileno()] * 2,
        )


def emulator(server: ForkServer, output: Path) -> Forked:
    process = start(server, output, "app.local.emulator", "--port", "0")
    while not output.read_text():
        assert process.poll() is None
    return process


def test_it_ends_with_the_same_words_and_code(server: ForkServer, tmp_path: Path) -> None:
    forked = start(server, tmp_path / "log", "app.main")
    started = subprocess.run(
        [sys.executable, "-m", "app.main"],
        check=False,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )

    assert forked.wait(30) == started.returncode == 2
    assert (tmp_path / "log").read_text() == started.stdout


def test_its_arguments_are_read(server: ForkServer, tmp_path: Path) -> None:
    process = start(server, tmp_path / "log", "app.local.emulator", "--help")

    assert process.wait(30) == 0
    assert (tmp_path / "log").read_text().startswith("usage: python -m app.local.emulator")


def test_its_folder_and_environment_are_those_that_were_ordered(
    server: ForkServer, tmp_path: Path
) -> None:
    process = emulator(server, tmp_path / "log")
    folder = Path(f"/proc/{process.pid}/cwd").readlink()
    output = Path(f"/proc/{process.pid}/fd/1").readlink()
    process.kill()
    process.wait(30)

    assert (folder, output) == (tmp_path, tmp_path / "log")


def test_signals_reach_it_and_how_it_ended_is_known(server: ForkServer, tmp_path: Path) -> None:
    ended, killed = emulator(server, tmp_path / "1"), emulator(server, tmp_path / "2")
    with pytest.raises(subprocess.TimeoutExpired):
        killed.wait(0)
    ended.terminate()
    killed.kill()

    assert (ended.wait(30), killed.wait(30)) == (0, -signal.SIGKILL)
    assert (ended.poll(), ended.returncode) == (0, 0)
    ended.kill()  # and nobody else with its pid


def test_it_does_not_outlive_the_server(tmp_path: Path) -> None:
    with closing(ForkServer()) as server:
        process = emulator(server, tmp_path / "log")

    assert process.wait(30) == -signal.SIGKILL
