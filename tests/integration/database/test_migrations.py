"""From an empty database to this version's schema."""

import hashlib
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path

import psycopg
import pytest

from app.database.migrate import Migration, MigrationError, migrate, migrations
from tests.support.processes import ROOT

FIRST = "0001_pre_initial.sql"
FUNCTIONS = ROOT / "app" / "database" / "functions"
RELEASED = FUNCTIONS / "released.txt"
"""As sha256sum writes it, of the functions that a release carried; there is none before that."""


def names(dsn: str) -> list[str]:
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("SELECT name FROM schema_migration ORDER BY 1").fetchall()
    return [row[0] for row in rows]


def command(dsn: str | None) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    if dsn is not None:
        environment["DATABASE_URL"] = dsn
    return subprocess.run(
        [sys.executable, "-m", "app.database.migrate"],
        check=False,
        env=environment,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands in for the package: `schema` and `functions` are those of the test."""
    (tmp_path / "schema").mkdir()
    (tmp_path / "functions").mkdir()
    monkeypatch.setattr(resources, "files", lambda package: tmp_path)
    return tmp_path


def changed(released: str, known: list[Migration]) -> list[str]:
    """Functions of a release that are missing or are not what they were."""
    digests = {migration.name: migration.digest for migration in known}
    lines = [line.split() for line in released.splitlines()]
    return [name for digest, name in lines if digests.get(name) != digest]


def test_a_function_that_a_release_carried_does_not_change() -> None:
    released = RELEASED.read_text() if RELEASED.exists() else ""

    assert changed(released, migrations()) == []


def test_a_changed_function_of_a_release_is_found() -> None:
    line = f"{hashlib.sha256(b'SELECT 1').hexdigest()}  one_v1.sql"

    assert changed(line, [Migration("one_v1.sql", "SELECT 1", is_function=True)]) == []
    assert changed(line, [Migration("one_v1.sql", "SELECT 2", is_function=True)]) == ["one_v1.sql"]
    assert changed(line, []) == ["one_v1.sql"]


def test_each_file_defines_the_function_of_its_name_and_no_other() -> None:
    for file in FUNCTIONS.glob("*.sql"):
        defined = re.findall(r"CREATE OR REPLACE FUNCTION (\w+)\(", file.read_text())

        assert defined == [file.stem]


def test_all_migrations_are_applied_once_and_in_order(empty_database_url: str) -> None:
    known = [migration.name for migration in migrations()]

    assert migrate(empty_database_url) == known
    assert migrate(empty_database_url) == []
    assert names(empty_database_url) == sorted(known)
    assert known[0] == FIRST


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
    (folder / "schema" / "0001_pre_good.sql").write_text("CREATE TABLE good (id int)")
    (folder / "schema" / "0002_post_bad.sql").write_text(
        "CREATE TABLE half (id int); SELECT nonsense"
    )

    with pytest.raises(psycopg.Error, match="nonsense"):
        migrate(empty_database_url)

    assert names(empty_database_url) == ["0001_pre_good.sql"]
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("SELECT to_regclass('half')").fetchone() == (None,)


def test_a_later_version_applies_only_what_is_new(empty_database_url: str, folder: Path) -> None:
    (folder / "schema" / "0001_pre_first.sql").write_text("CREATE TABLE first (id int)")
    migrate(empty_database_url)
    (folder / "schema" / "0002_post_second.sql").write_text("CREATE TABLE second (id int)")

    assert migrate(empty_database_url) == ["0002_post_second.sql"]


def function(folder: Path, name: str, body: str) -> None:
    (folder / "functions" / f"{name}.sql").write_text(
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS integer LANGUAGE sql AS $$ {body} $$"
    )


def test_a_function_that_was_changed_is_replaced(empty_database_url: str, folder: Path) -> None:
    function(folder, "one_v1", "SELECT 1")
    migrate(empty_database_url)
    function(folder, "one_v1", "SELECT 2")

    assert migrate(empty_database_url) == ["one_v1.sql"]
    assert migrate(empty_database_url) == []
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("SELECT one_v1()").fetchone() == (2,)


def test_functions_may_call_each_other_and_are_replaced_together(
    empty_database_url: str, folder: Path
) -> None:
    function(folder, "a_v1", "SELECT z_v1()")
    function(folder, "z_v1", "SELECT 1")
    migrate(empty_database_url)
    function(folder, "a_v1", "SELECT 2")
    (folder / "functions" / "z_v1.sql").write_text("CREATE OR REPLACE nonsense")

    with pytest.raises(psycopg.Error, match="nonsense"):
        migrate(empty_database_url)

    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("SELECT a_v1()").fetchone() == (1,)


@pytest.mark.parametrize("name", ["one.sql", "one_v.sql", "One_v1.sql", "one_v1_.sql"])
def test_a_function_without_a_version_is_refused(folder: Path, name: str) -> None:
    (folder / "functions" / name).write_text("SELECT 1")

    with pytest.raises(MigrationError, match="not named name_vN"):
        migrations()


@pytest.mark.parametrize(
    "name", ["1_pre_short.sql", "0001_later_words.sql", "0001_pre_.sql", "0001_pre_Words.sql"]
)
def test_a_migration_of_another_name_is_refused(folder: Path, name: str) -> None:
    (folder / "schema" / name).write_text("SELECT 1")

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
        ("postgres:/me:hush@db/gateway", 2, "DATABASE_URL is not a database address"),
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
