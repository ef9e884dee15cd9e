"""The one-off tasks: roles and databases on an instance as RDS makes it, and the migration."""

import os
import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest

from tests.support.instance import FACTS, Instance, rds_instance
from tests.support.processes import ROOT


@pytest.fixture(scope="module")
def instance() -> Iterator[Instance]:
    with rds_instance() as found:
        yield found


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
