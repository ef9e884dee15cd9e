"""A PostgreSQL server of one's own: no Docker, no root, no package of the system's.

The programs come from a wheel and are run directly. The server listens on loopback only, on a port
of its own choosing, asks for a password, and outlives the process that started it: whoever comes
next finds it by its pid file.
"""

import contextlib
import ctypes
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import psutil

from app.local.account import BudgetCounter, make_cluster_directory, programs, server_account
from app.local.files import locked, tail, write_private
from app.local.ports import free_port
from app.local.postmaster import Postmaster
from app.local.process import await_end, let_go

USER = DATABASE = "gateway"
INITDB = (
    f"--username={USER}",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--no-locale",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--no-instructions",
)
START_SECONDS = 60.0
STOP_SECONDS = 20.0
FOR_TESTS: Mapping[str, str] = MappingProxyType(
    {"fsync": "off", "full_page_writes": "off", "max_connections": "200"}
)
"""Settings for data that nobody will miss after a power cut."""


class PostgresError(Exception):
    """The server could not be made, started or stopped; the message ends with its own words."""


class Postgres:
    """The server whose data lie under `directory`."""

    def __init__(
        self,
        directory: Path,
        *,
        log: Path | None = None,
        settings: Mapping[str, str] = MappingProxyType({}),
        tied: bool = False,
    ) -> None:
        """`tied` servers are stopped by the kernel when the process that started them dies."""
        self.directory = directory.absolute()
        self.log = log or self.directory / "log"
        self._settings = settings
        self._tied = tied
        self._password = self.directory / "password"
        self._cluster = self.directory / "cluster"

    @property
    def data(self) -> Path:
        return self._cluster.resolve() / "data"

    @property
    def pid(self) -> int | None:
        postmaster = Postmaster.of(self.data)
        return postmaster.pid if postmaster else None

    @property
    def port(self) -> int | None:
        postmaster = Postmaster.of(self.data)
        return postmaster.port if postmaster else None

    @property
    def dsn(self) -> str:
        """How to connect, as a URL; only a running server has one."""
        postmaster = Postmaster.of(self.data)
        if postmaster is None:
            raise PostgresError(f"PostgreSQL is not running in {self.directory}")
        return f"postgresql://{USER}:{self._secret()}@127.0.0.1:{postmaster.port}/{DATABASE}"

    def running(self) -> bool:
        postmaster = Postmaster.of(self.data)
        return postmaster is not None and postmaster.ready

    def start(self) -> str:
        """Start the server unless it runs, and return how to connect to it."""
        with locked(self.directory / "lock"):
            if Postmaster.of(self.data) is None:
                self._end_orphans()
                account = server_account(self._cluster)
                make_cluster_directory(self._cluster, account)
                if not self.data.exists():
                    self._initialise(account)
                self._clear_remains()
                self._launch(account)
            else:
                self._await_ready(0)
            return self.dsn

    def stop(self) -> None:
        """Stop the server, breaking off what still runs in it; data is kept."""
        with locked(self.directory / "lock"):
            postmaster = Postmaster.of(self.data)
            if postmaster is None:
                return
            process = psutil.Process(postmaster.pid)
            with contextlib.suppress(psutil.NoSuchProcess):
                for how in (signal.SIGINT, signal.SIGQUIT):
                    process.send_signal(how)
                    if await_end(process, STOP_SECONDS):
                        return
                raise PostgresError(f"PostgreSQL, process {process.pid}, does not stop")

    def _secret(self) -> str:
        if not self._password.exists():
            write_private(self._password, secrets.token_urlsafe(24))
        return self._password.read_text()

    def _initialise(self, account: BudgetCounter) -> None:
        """Make the data directory under another name first: an interrupted one is never used."""
        partial, password = self.data.with_name("data.new"), self.data.with_name("password.new")
        shutil.rmtree(partial, ignore_errors=True)
        write_private(password, self._secret())
        os.chown(password, account.uid, account.gid)
        durable = [] if self._settings.get("fsync") != "off" else ["--no-sync"]
        try:
            self._run(
                account,
                ["initdb", f"--pgdata={partial}", f"--pwfile={password}", *INITDB, *durable],
            )
            self._run(account, ["postgres", "--single", "-D", str(partial), "postgres"])
        finally:
            password.unlink(missing_ok=True)
        partial.rename(self.data)

    def _run(self, account: BudgetCounter, command: list[str]) -> None:
        done = subprocess.run(
            [programs(account) / command[0], *command[1:]],
            check=False,
            input=f"CREATE DATABASE {DATABASE};\n" if "--single" in command else "",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self._cluster.resolve(),
            env=_environment(),
            **account.identity,
        )
        if done.returncode:
            last = "\n".join(done.stdout.splitlines()[-15:])
            raise PostgresError(f"{command[0]} failed in {self._cluster.resolve()}:\n{last}")

    def _end_orphans(self) -> None:
        """Stop servers whose data directory was deleted under them: they have nothing to save, and
        hold the port. Linux alone tells of them."""
        for process in psutil.process_iter():
            if _works_in(process.pid) == f"{self.data} (deleted)":
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGQUIT)
                    if not await_end(process, STOP_SECONDS):
                        process.kill()

    def _clear_remains(self) -> None:
        """After a crash, wait for the dead server's children, then drop a pid file whose number
        another process has now; the server itself cannot tell that it is another."""
        deadline = time.monotonic() + STOP_SECONDS
        while remains := self._remains():
            if time.monotonic() > deadline:
                raise PostgresError(
                    f"Processes of a crashed server still use {self.data}. Stop them, and start "
                    f"again:\n  kill {' '.join(map(str, remains))}"
                )
            time.sleep(0.05)
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _remains(self) -> list[int]:
        found = psutil.process_iter(["cwd"])
        return [one.pid for one in found if one.info["cwd"] == str(self.data)]

    def _launch(self, account: BudgetCounter) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        for _attempt in range(5):
            before = self.log.stat().st_size if self.log.exists() else 0
            child = self._spawn(account, self._free_port())
            try:
                if self._await_ready(before, child):
                    return
            except BaseException:
                child.send_signal(signal.SIGQUIT)
                child.wait(STOP_SECONDS)
                raise
            finally:
                let_go(child)
        raise PostgresError(f"PostgreSQL finds no free port; {self.log} ends:\n{tail(self.log)}")

    def _spawn(self, account: BudgetCounter, port: int) -> "subprocess.Popen[bytes]":
        settings = {
            "port": str(port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "timezone": "UTC",
            "log_timezone": "UTC",
            **self._settings,
        }
        flags = [flag for name, value in settings.items() for flag in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [programs(account) / "postgres", "-D", str(self.data), *flags],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._cluster.resolve(),
                env=_environment(),
                start_new_session=True,
                preexec_fn=_die_with_parent if self._tied else None,  # noqa: PLW1509 - set-up only
                **account.identity,
            )

    def _await_ready(self, log_start: int, child: "subprocess.Popen[bytes] | None" = None) -> bool:
        """Wait until it takes connections; False when only its port was taken meanwhile."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.running():
                return True
            if child.poll() is not None if child else Postmaster.of(self.data) is None:
                words = tail(self.log, start=log_start)
                if "Address already in use" in words:
                    return False
                raise PostgresError(f"PostgreSQL did not start; {self.log} ends:\n{words}")
            time.sleep(0.01)
        raise PostgresError(f"PostgreSQL is not ready; {self.log} ends:\n{tail(self.log)}")

    def _free_port(self) -> int:
        """The port of the last time if it is free, so that a noted DSN stays good."""
        remembered = self.directory / "port"
        port = free_port(int(remembered.read_text()) if remembered.exists() else 0)
        remembered.write_text(str(port))
        return port


def _works_in(pid: int) -> str | None:
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return None


def _environment() -> dict[str, str]:
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def _die_with_parent() -> None:
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGINT)
