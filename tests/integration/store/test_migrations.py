"""From an empty database to this version's schema."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path

import psycopg
import pytest

from app.local.schema import schema_of
from app.store.migrate import MigrationError, migrate, migrations
from tests.support.processes import ROOT

FIRST = "0001_pre_users_keys_ledger.sql"


def names(dsn: str) -> list[str]:
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("SELECT name FROM schema_migration ORDER BY 1").fetchall()
    return [row[0] for row in rows]


def command(dsn: str | None) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    if dsn is not None:
        environment["DATABASE_URL"] = dsn
    return subprocess.run(
        [sys.executable, "-m", "app.store.migrate"],
        check=False,
        env=environment,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands in for the package: its `migrations` are those of the test."""
    (tmp_path / "migrations").mkdir()
    monkeypatch.setattr(resources, "files", lambda package: tmp_path)
    return tmp_path / "migrations"


def test_the_migrations_add_up_to_the_schema_that_is_kept(database_url: str) -> None:
    kept = (ROOT / "app" / "store" / "schema.sql").read_text()

    assert schema_of(database_url) == kept, "python -m app.local.schema > app/store/schema.sql"


def test_all_migrations_are_applied_once_and_in_order(empty_database_url: str) -> None:
    known = [migration.name for migration in migrations()]

    assert migrate(empty_database_url) == known
    assert migrate(empty_database_url) == []
    assert names(empty_database_url) == known == sorted(known)


def test_two_migrators_take_turns(empty_database_url: str) -> None:
    known = [migration.name for migration in migrations()]

    with ThreadPoolExecutor(4) as pool:
        applied = list(pool.map(migrate, [empty_database_url] * 4))

    assert sorted(applied) == [[], [], [], known]


def test_a_migration_that_was_changed_after_it_was_applied_is_refused(
    empty_database_url: str,
) -> None:
    migrate(empty_database_url)
    with psycopg.connect(empty_database_url) as connection:
        connection.execute("UPDATE schema_migration SET digest = 'x' WHERE name = %s", (FIRST,))

    with pytest.raises(MigrationError, match=f"{FIRST} was changed"):
        migrate(empty_database_url)


def test_a_migration_that_fails_leaves_nothing_of_it(empty_database_url: str, folder: Path) -> None:
    (folder / "0001_pre_good.sql").write_text("CREATE TABLE good (id int)")
    (folder / "0002_post_bad.sql").write_text("CREATE TABLE half (id int); SELECT nonsense")

    with pytest.raises(psycopg.Error, match="nonsense"):
        migrate(empty_database_url)

    assert names(empty_database_url) == ["0001_pre_good.sql"]
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("SELECT to_regclass('half')").fetchone() == (None,)


def test_a_later_version_applies_only_what_is_new(empty_database_url: str, folder: Path) -> None:
    (folder / "0001_pre_first.sql").write_text("CREATE TABLE first (id int)")
    migrate(empty_database_url)
    (folder / "0002_post_second.sql").write_text("CREATE TABLE second (id int)")

    assert migrate(empty_database_url) == ["0002_post_second.sql"]


@pytest.mark.parametrize(
    "name", ["1_pre_short.sql", "0001_later_words.sql", "0001_pre_.sql", "0001_pre_Words.sql"]
)
def test_a_migration_of_another_name_is_refused(folder: Path, name: str) -> None:
    (folder / name).write_text("SELECT 1")

    with pytest.raises(MigrationError, match="not named NNNN_pre_words"):
        migrations()


def test_as_a_command_it_says_what_it_did(empty_database_url: str) -> None:
    first, second = command(empty_database_url), command(empty_database_url)

    assert (first.returncode, second.returncode) == (0, 0)
    assert f"applied {FIRST}\n" in first.stdout
    assert second.stdout == "nothing to migrate\n"


@pytest.mark.parametrize(
    ("dsn", "code", "said"),
    [
        (None, 2, "DATABASE_URL is not set: postgresql://user:password@host:port/name\n"),
        ("", 2, "DATABASE_URL is not set"),
        ("postgres:/me:hush@db/gateway", 2, "DATABASE_URL is no address of a database"),
        ("postgresql://me:hush@127.0.0.1:9/gateway", 1, "migration failed: connection failed"),
    ],
    ids=["unset", "empty", "malformed", "unreachable"],
)
def test_as_a_command_it_says_what_is_wrong_and_no_password(
    dsn: str | None, code: int, said: str
) -> None:
    failed = command(dsn)

    assert failed.returncode == code
    assert said in failed.stderr
    assert "hush" not in failed.stderr
    assert "Traceback" not in failed.stderr
