"""`./dev` as a script: it sets up once, and trusts nothing half-made.

Each test has a copy with empty locks, so that no index is asked, and with a command that says in
which environment it runs. The first makes it with Python's own venv, the others by copying that:
pip's installation takes longer than all the rest of a test.
"""

import fcntl
import os
import re
import runpy
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = runpy.run_path(str(ROOT / "dev"), run_name="read")["COMMANDS"]
MAKING, INSTALLING = "Making .venv", "Installing"
COPYING_VENV = """
import shutil, sys
shutil.copytree({made!r}, sys.argv[1], symlinks=True)
"""
"""Python's module of that name, as far as `./dev` uses it."""


@pytest.fixture(scope="module")
def _copying_venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("venv")
    made, modules = folder / "made", folder / "modules"
    subprocess.run([sys.executable, "-m", "venv", made], check=True)
    modules.mkdir()
    (modules / "venv.py").write_text(COPYING_VENV.format(made=str(made)))
    return modules


@pytest.fixture
def copied(_copying_venv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """New environments are copies of one that venv made."""
    monkeypatch.setenv("PYTHONPATH", str(_copying_venv))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "a checkout"
    (folder / "requirements").mkdir(parents=True)
    (folder / "scripts").mkdir()
    shutil.copy(ROOT / "dev", folder)
    for name in ("gateway", "local", "ops", "dev"):
        (folder / "requirements" / f"{name}.lock").touch()
    (folder / "scripts" / "lock.py").write_text("import sys; print(sys.prefix, *sys.argv[1:])")
    return folder


def dev(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, folder / "dev", *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd="/",
    )


def test_the_first_run_sets_up_and_the_second_says_nothing(folder: Path) -> None:
    first, second = dev(folder, "lock", "--upgrade"), dev(folder, "lock")
    assert first.stdout == f"{folder}/.venv --upgrade\n"
    assert MAKING in first.stderr
    assert (second.stdout, second.stderr) == (f"{folder}/.venv\n", "")


@pytest.mark.usefixtures("copied")
def test_a_larger_lock_is_added_and_serves_for_the_smaller_one(folder: Path) -> None:
    (folder / "app").mkdir()
    (folder / "app" / "local").mkdir()
    (folder / "app" / "local" / "stack.py").touch()
    assert MAKING in dev(folder, "status").stderr
    larger = dev(folder, "lock").stderr
    assert INSTALLING in larger
    assert MAKING not in larger
    assert dev(folder, "status").stderr == ""


@pytest.mark.usefixtures("copied")
def test_a_changed_lock_is_installed(folder: Path) -> None:
    dev(folder, "lock")
    (folder / "requirements" / "dev.lock").write_text("# changed\n")
    assert INSTALLING in dev(folder, "lock").stderr
    assert dev(folder, "lock").stderr == ""


@pytest.mark.usefixtures("copied")
def test_an_installation_that_fails_says_why_and_is_not_trusted(folder: Path) -> None:
    lock = folder / "requirements" / "dev.lock"
    lock.write_text("unhashed==1.0\n")
    failed = dev(folder, "lock")
    assert failed.returncode == 1
    assert "hash" in failed.stderr.lower()
    assert "run the same command again" in failed.stderr
    lock.write_text("")
    assert MAKING in dev(folder, "lock").stderr


@pytest.mark.usefixtures("copied")
def test_a_moved_checkout_is_set_up_anew(folder: Path) -> None:
    dev(folder, "lock")
    moved = folder.rename(folder.with_name("moved"))
    assert MAKING in dev(moved, "lock").stderr


@pytest.mark.usefixtures("copied")
def test_of_two_runs_at_once_one_sets_up_and_the_other_waits(folder: Path) -> None:
    with ThreadPoolExecutor() as pool:
        runs = list(pool.map(lambda _: dev(folder, "lock"), range(2)))
    assert [run.stdout for run in runs] == [f"{folder}/.venv\n"] * 2
    assert sum(MAKING in run.stderr for run in runs) == 1


@pytest.mark.usefixtures("copied")
def test_an_installer_that_outlives_its_run_keeps_the_next_one_waiting(folder: Path) -> None:
    lock = folder / "requirements" / "dev.lock"
    lock.write_text(f"x==1.0 --hash=sha256:{'0' * 64}\n")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        index = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        given = {"PIP_INDEX_URL": index, "PIP_RETRIES": "0", "PIP_CONFIG_FILE": os.devnull}
        command = [sys.executable, str(folder / "dev"), "lock"]
        with subprocess.Popen(command, env={**os.environ, **given}, cwd="/") as first:
            asked, _ = silent.accept()
            first.kill()

        with (folder / ".local" / "set-up.lock").open() as guard:
            with pytest.raises(BlockingIOError):
                fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
            asked.close()
            fcntl.flock(guard, fcntl.LOCK_EX)


def test_help_and_an_unknown_command_set_nothing_up(folder: Path) -> None:
    assert "usage: ./dev COMMAND" in dev(folder, "help").stdout
    wrong = dev(folder, "upp")
    assert wrong.returncode == 1
    assert "'upp'" in wrong.stderr
    assert not (folder / ".venv").exists()


def test_help_begins_with_the_first_steps_and_fits_a_terminal() -> None:
    lines = dev(ROOT, "help").stdout.splitlines()

    assert "./dev up" in "".join(lines[:5])
    assert max(map(len, lines)) <= 100


def test_each_command_tells_what_it_takes_and_does_nothing_else() -> None:
    def told(name: str) -> str:
        command = [sys.executable, "-m", *COMMANDS[name].run, "--help"]
        return subprocess.run(command, check=True, cwd=ROOT, capture_output=True, text=True).stdout

    with ThreadPoolExecutor(4) as pool:
        for name, words in zip(COMMANDS, pool.map(told, COMMANDS), strict=True):
            assert words.startswith("usage: "), name


def test_the_fast_tests_are_there() -> None:
    fast = runpy.run_path(str(ROOT / "dev"), run_name="read")["FAST"]

    assert [path for path in fast if not (ROOT / path).exists()] == []


def test_make_has_the_same_commands() -> None:
    listed = re.findall(r"^  (\w+) ", dev(ROOT, "help").stdout, re.MULTILINE)
    commands = re.search(r"^COMMANDS := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert commands
    assert commands[1].split() == listed


@pytest.mark.parametrize(
    ("arguments", "spread"),
    [
        ([], True),
        (["-k", "budget"], True),
        (["--fast"], True),
        (["tests/unit"], False),
        (["-n", "0"], False),
        (["--pdb"], False),
    ],
)
def test_tests_are_spread_over_the_cores_unless_some_are_chosen(
    arguments: Sequence[str], spread: bool
) -> None:
    program = "import runpy, sys; print('-n' in runpy.run_path('dev')['tests'](sys.argv[1:]))"
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    assert (done.stdout == "True\n") == (spread or "-n" in arguments)
