"""Processes that are started once, found again, and never confused with another."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from app.local.process import Daemon, let_go

READY = "import time; print('ready', flush=True); time.sleep(600)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + READY


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    daemon = Daemon("part", tmp_path / "run" / "part.json", tmp_path / "log" / "part.log")
    yield daemon
    daemon.stop(0)


def start(daemon: Daemon, program: str = READY) -> "subprocess.Popen[bytes]":
    child = daemon.start(
        [sys.executable, "-c", program],
        environment=os.environ,
        directory=daemon.log.parent.parent,
        notes={"port": "4000"},
    )
    let_go(child)
    return child


def change(daemon: Daemon, **values: object) -> None:
    record = json.loads(daemon.record.read_text())
    daemon.record.write_text(json.dumps(record | values))


def await_log(daemon: Daemon) -> None:
    with subprocess.Popen(["tail", "-F", str(daemon.log)], stdout=subprocess.PIPE) as follow:
        assert follow.stdout
        follow.stdout.readline()
        follow.kill()


def test_it_is_found_by_its_record(daemon: Daemon) -> None:
    child = start(daemon)
    again = Daemon("part", daemon.record, daemon.log)
    assert again.pid() == child.pid
    assert again.notes() == {"port": "4000"}


def test_its_record_is_private(daemon: Daemon) -> None:
    start(daemon)
    assert daemon.record.stat().st_mode & 0o777 == 0o600


def test_it_leads_a_session_of_its_own_so_that_an_interrupt_spares_it(daemon: Daemon) -> None:
    child = start(daemon)
    assert os.getsid(child.pid) == child.pid


def test_stopping_ends_it_and_keeps_what_was_noted(daemon: Daemon) -> None:
    child = start(daemon)
    assert daemon.stop(10)
    assert not psutil.pid_exists(child.pid)
    assert daemon.pid() is None
    assert daemon.notes() == {"port": "4000"}
    assert not daemon.stop(10)


def test_one_that_does_not_listen_is_killed(daemon: Daemon) -> None:
    child = start(daemon, STUBBORN)
    await_log(daemon)
    assert daemon.stop(0.1)
    assert not psutil.pid_exists(child.pid)


def test_one_that_died_is_not_found(daemon: Daemon) -> None:
    process = psutil.Process(start(daemon).pid)
    process.kill()
    process.wait(60)
    assert daemon.pid() is None


def test_what_nobody_collected_counts_as_dead(daemon: Daemon) -> None:
    child = daemon.start(
        [sys.executable, "-c", "pass"], environment=os.environ, directory=Path.cwd(), notes={}
    )
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE
    assert daemon.pid() is None
    child.wait()


def test_a_number_that_is_another_process_by_now_is_left_alone(daemon: Daemon) -> None:
    child = start(daemon)
    change(daemon, pid=os.getpid())
    assert daemon.pid() is None
    assert not daemon.stop(0)
    change(daemon, pid=child.pid)
    assert daemon.pid() == child.pid


def test_a_step_of_the_clock_does_not_lose_it(daemon: Daemon) -> None:
    child = start(daemon)
    change(daemon, started=0)
    assert daemon.pid() == child.pid


def test_a_broken_record_means_that_nothing_runs(daemon: Daemon) -> None:
    daemon.record.parent.mkdir()
    daemon.record.write_text("{")
    assert daemon.pid() is None
    assert daemon.notes() == {}
