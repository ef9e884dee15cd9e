"""A PostgreSQL server that may be broken, and its standby."""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import psutil
import psycopg

from app.database.migrate import migrate
from app.local.account import make_cluster_directory, programs, server_account
from app.local.postgres import FOR_TESTS, USER, Postgres
from app.local.process import await_end

MIGRATED = "migrated"
STOP_SECONDS = 60
SETTINGS = {**FOR_TESTS, "max_connections": "60", "wal_keep_size": "64MB"}

Result = TypeVar("Result")


@dataclass
class Server:
    """Started and stopped by a thread of its own: the kernel ends it together with that."""

    postgres: Postgres
    _hands: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))
    _numbers: Iterator[int] = field(default_factory=count)

    async def do(self, work: Callable[[], Result]) -> Result:
        """Something that takes a while, while the load goes on."""
        return await asyncio.get_running_loop().run_in_executor(self._hands, work)

    def begin(self) -> None:
        self._hands.submit(self.postgres.start).result()

    def end(self) -> None:
        self._hands.submit(self.postgres.stop).result()
        self._hands.shutdown()

    def crash(self) -> None:
        """What an immediate shutdown does: nothing is flushed, the next start recovers."""
        assert self.postgres.pid is not None
        process = psutil.Process(self.postgres.pid)
        process.send_signal(signal.SIGQUIT)
        assert await_end(process, STOP_SECONDS)

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """As its superuser."""
        with psycopg.connect(self.postgres.dsn, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def set(self, name: str, value: str | None) -> None:
        """For all sessions, those that are open too; None sets it back."""
        words = f"SET {name} = '{value}'" if value is not None else f"RESET {name}"
        self.ask(f"ALTER SYSTEM {words}")
        self.ask("SELECT pg_reload_conf()")

    def new_database(self) -> str:
        """The address of one that is migrated and empty."""
        name = f"chaos_{next(self._numbers)}"
        self.ask(f"CREATE DATABASE {name} TEMPLATE {MIGRATED}")
        return self.address(name)

    def address(self, database: str) -> str:
        return f"{self.postgres.dsn.rpartition('/')[0]}/{database}"


@contextmanager
def server() -> Iterator[Server]:
    """A fresh one."""
    with reachable_folder() as folder:
        found = Server(Postgres(folder / "primary", settings=SETTINGS, tied=True))
        found.begin()
        try:
            found.ask(f"CREATE DATABASE {MIGRATED}")
            migrate(found.address(MIGRATED))
            yield found
        finally:
            found.end()


@contextmanager
def reachable_folder() -> Iterator[Path]:
    """One that the user can enter that root's PostgreSQL runs as."""
    with tempfile.TemporaryDirectory(prefix="chaos-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


@contextmanager
def standby_of(primary: Server) -> Iterator[Server]:
    """One that has all that the primary confirms, as that of a database in two zones has."""
    with reachable_folder() as folder:
        copy = Postgres(folder / "standby", settings=SETTINGS, tied=True)
        _copy(primary.postgres, copy)
        found = Server(copy)
        found.begin()
        primary.set("synchronous_standby_names", "*")
        try:
            yield found
        finally:
            found.end()


def _copy(primary: Postgres, copy: Postgres) -> None:
    cluster = copy.directory / "cluster"
    copy.directory.mkdir(mode=0o711)
    account = server_account(cluster)
    make_cluster_directory(cluster, account)
    shutil.copy(primary.directory / "password", copy.directory)
    subprocess.run(
        [
            programs(account) / "pg_basebackup",
            *("--host=127.0.0.1", f"--port={primary.port}", f"--username={USER}"),
            *(f"--pgdata={copy.data}", "--checkpoint=fast", "--write-recovery-conf"),
        ],
        check=True,
        env={"PATH": os.defpath, "PGPASSWORD": (copy.directory / "password").read_text()},
        cwd=cluster.resolve(),
        **account.identity,
    )


@contextmanager
def small_disk(folder: Path, size: str, owner: int) -> Iterator[Path]:
    """A file system of that size, in memory. Only root can mount it."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
    os.chown(folder, owner, -1)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
