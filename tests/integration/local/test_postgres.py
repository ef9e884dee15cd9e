"""The embedded server: made, found again, stopped, and recovered after either side was killed."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from app.local import account
from app.local.postgres import FOR_TESTS, Postgres, PostgresError
from app.local.process import await_end

SETTINGS = {**FOR_TESTS, "max_connections": "20"}


@pytest.fixture
def directory(reachable_path: Path) -> Path:
    return reachable_path / "with a space"


@pytest.fixture
def server(directory: Path) -> Iterator[Postgres]:
    server = Postgres(directory, settings=SETTINGS, tied=True)
    yield server
    server.stop()


def rows(dsn: str) -> list[int]:
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS note (number int)")
        connection.execute("INSERT INTO note SELECT count(*) FROM note")
        return [row[0] for row in connection.execute("SELECT number FROM note ORDER BY number")]


def test_what_was_written_is_there_after_a_restart_under_the_same_address(server: Postgres) -> None:
    dsn = server.start()
    assert rows(dsn) == [0]
    server.stop()
    assert not server.running()
    assert server.start() == dsn
    assert rows(dsn) == [0, 1]


def test_a_second_start_finds_the_running_server(server: Postgres) -> None:
    dsn, pid = server.start(), server.pid
    other = Postgres(server.directory, settings=SETTINGS)
    assert other.start() == dsn
    assert other.pid == pid


def test_stop_may_be_called_by_another_process_and_twice(server: Postgres) -> None:
    server.start()
    Postgres(server.directory).stop()
    Postgres(server.directory).stop()
    assert not server.running()


def test_the_data_survive_a_kill_of_the_server(server: Postgres) -> None:
    assert rows(server.start()) == [0]
    postmaster = psutil.Process(server.pid)
    postmaster.kill()
    postmaster.wait(60)
    assert rows(server.start()) == [0, 1]


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="only Linux tells of them")
@pytest.mark.parametrize("deleted", ["data", "directory"])
def test_a_server_whose_data_were_deleted_makes_way_for_a_new_one(
    server: Postgres, deleted: str
) -> None:
    assert rows(server.start()) == [0]
    orphan = psutil.Process(server.pid)
    shutil.rmtree(getattr(server, deleted))

    assert rows(server.start()) == [0]
    assert await_end(orphan, 0.1)  # a zombie has ended, too


def test_a_pid_file_that_names_a_foreign_process_is_not_believed(server: Postgres) -> None:
    server.start()
    pid_file = server.data / "postmaster.pid"
    content = pid_file.read_text().splitlines()
    server.stop()
    pid_file.write_text("\n".join([str(os.getpid()), *content[1:]]))
    assert not server.running()
    server.stop()
    assert rows(server.start()) == [0]


def test_an_interrupted_initialisation_is_done_again(server: Postgres) -> None:
    partial = server.directory / "cluster" / "data.new"
    server.start()
    server.stop()
    server.data.rename(partial)
    (partial / "PG_VERSION").unlink()
    assert rows(server.start()) == [0]


def test_only_loopback_with_the_password_is_let_in(server: Postgres) -> None:
    dsn = server.start()
    password = server.directory / "password"
    assert password.stat().st_mode & 0o777 == 0o600
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(dsn.replace(password.read_text(), "wrong"))
    listening = psutil.Process(server.pid).net_connections()
    assert {one.laddr.ip for one in listening if one.status == psutil.CONN_LISTEN} == {"127.0.0.1"}


def test_a_server_that_cannot_start_says_why(directory: Path) -> None:
    server = Postgres(directory, settings={**SETTINGS, "max_connections": "many"})
    with pytest.raises(PostgresError, match="max_connections"):
        server.start()
    assert not server.running()


def test_a_stopped_server_has_no_address(directory: Path) -> None:
    with pytest.raises(PostgresError, match="not running"):
        _ = Postgres(directory).dsn


def test_a_tied_server_goes_down_with_the_process_that_started_it(directory: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from app.local.postgres import *;"
        "server = Postgres(Path(sys.argv[1]), settings=FOR_TESTS, tied=True); server.start();"
        "print(server.pid, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    ) as owner:
        assert owner.stdout
        postmaster = psutil.Process(int(owner.stdout.readline()))
        owner.kill()
    postmaster.wait(60)
    assert not Postgres(directory).running()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs as another user")
def test_root_keeps_data_and_programs_where_the_server_can_reach_them(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden, shelter = directory.with_name("hidden"), directory.with_name("shelter")
    hidden.mkdir(mode=0o700)
    package = Path(account.programs(account.server_account(directory))).parent.parent
    for folder in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(folder, hidden / folder.name)
    monkeypatch.syspath_prepend(hidden)
    monkeypatch.setattr(account, "SHELTER", shelter)
    server = Postgres(hidden / "state", settings=SETTINGS, tied=True)
    try:
        assert rows(server.start()) == [0]
        server.stop()
        assert rows(server.start()) == [0, 1]
        assert server.data.is_relative_to(shelter)
        assert psutil.Process(server.pid).exe().startswith(str(shelter))
        assert psutil.Process(server.pid).uids().real != 0
    finally:
        server.stop()
