"""Brings a database to the schema of this version: `python -m app.database.migrate`.

Tables are in `schema/NNNN_{pre,post}_words.sql`, applied once, in order, forward only. `pre` runs
before new code is deployed and must suit the old code too; `post` runs after it. Functions and
triggers are in `functions/name_vN.sql`, applied again whenever the file has changed. A function
that a release carried never changes: its successor is a new file with the next number, so gateways
of two versions can use one database (docs/reliability.md, "Migrations").
"""

import hashlib
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import LiteralString

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import class_row

ADVISORY_LOCK = 7_262_834_409
"""Any number that nothing else locks: two migrators take turns."""

EXAMPLE = "postgresql://user:password@host:port/name"

_SCHEMA = re.compile(r"\d{4}_(pre|post)_[a-z0-9_]+\.sql")

_FUNCTION = re.compile(r"[a-z0-9_]+_v\d+\.sql")

MIGRATION_TABLE: LiteralString = """
CREATE TABLE IF NOT EXISTS schema_migration (
    name       text        PRIMARY KEY,
    digest     text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""

RECORD: LiteralString = """
INSERT INTO schema_migration (name, digest) VALUES (%s, %s)
ON CONFLICT (name) DO UPDATE SET digest = excluded.digest, applied_at = now()
"""


class MigrationError(Exception):
    """The database and the files do not fit together; the message says where."""


@dataclass(frozen=True, slots=True)
class Migration:
    """A file of SQL; that of a function may be applied again."""

    name: str
    sql: str
    is_function: bool = False

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Applied:
    name: str
    digest: str


def migrations() -> list[Migration]:
    """All files of this version in the order in which they are applied: schema, then functions."""
    schema = _files("schema", _SCHEMA, "NNNN_pre_words.sql or NNNN_post_words.sql")
    functions = _files("functions", _FUNCTION, "name_vN.sql")
    return [Migration(*file) for file in schema] + [Migration(*file, True) for file in functions]


def _files(folder: str, pattern: re.Pattern[str], form: str) -> list[tuple[str, str]]:
    """Names and texts, by name. Raises MigrationError if a name is not of the form."""
    found = (resources.files("app.database") / folder).iterdir()
    files = sorted((f for f in found if f.name.endswith(".sql")), key=lambda f: f.name)
    if wrong := [f.name for f in files if not pattern.fullmatch(f.name)]:
        raise MigrationError(f"not named {form}: {wrong}")
    return [(f.name, f.read_text(encoding="utf-8")) for f in files]


def missing(applied: Sequence[Applied], known: Sequence[Migration]) -> list[Migration]:
    """What is still to be applied. Raises MigrationError if an applied schema file was edited."""
    digests = {a.name: a.digest for a in applied}
    for migration in known:
        if (
            not migration.is_function
            and digests.get(migration.name, migration.digest) != migration.digest
        ):
            raise MigrationError(
                f"{migration.name} was changed after it had been applied; "
                "restore the file and write a new migration instead"
            )
    return [m for m in known if digests.get(m.name) != m.digest]


def newer(applied: Sequence[Applied], known: Sequence[Migration]) -> list[str]:
    """What a later version has applied."""
    names = {migration.name for migration in known}
    return sorted(a.name for a in applied if a.name not in names)


def migrate(dsn: str) -> list[str]:
    """Apply what is missing and return the names; safe to run from several places at once."""
    with psycopg.connect(dsn, autocommit=True, connect_timeout=10) as connection:
        connection.execute("SET lock_timeout = '30s'")
        connection.execute("SELECT pg_advisory_lock(%s)", (ADVISORY_LOCK,))
        connection.execute(MIGRATION_TABLE)
        with connection.cursor(row_factory=class_row(Applied)) as cursor:
            applied = cursor.execute("SELECT name, digest FROM schema_migration").fetchall()
        todo = missing(applied, migrations())
        for migration in todo:
            if not migration.is_function:
                _apply(connection, [migration])
        if functions := [migration for migration in todo if migration.is_function]:
            _apply(connection, functions)
        return [migration.name for migration in todo]


def _apply(connection: psycopg.Connection, together: Sequence[Migration]) -> None:
    """Apply files in one transaction."""
    with connection.transaction():
        connection.execute("SET LOCAL lock_timeout = '5s'")
        # Functions call each other, and are created by name.
        connection.execute("SET LOCAL check_function_bodies = off")
        for migration in together:
            connection.execute(migration.sql.encode())
            connection.execute(RECORD, (migration.name, migration.digest))


def check_address(dsn: str) -> None:
    """Raises ValueError for what is no connection string. Its own words would quote a password."""
    try:
        conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        raise ValueError(f"DATABASE_URL is not a database address such as {EXAMPLE}") from None


def main() -> int:
    dsn = os.environ.get("DATABASE_URL")
    if not dsn:
        sys.stderr.write(f"DATABASE_URL is not set: {EXAMPLE}\n")
        return 2
    try:
        check_address(dsn)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    try:
        names = migrate(dsn)
    except (psycopg.Error, MigrationError) as error:
        sys.stderr.write(f"migration failed: {error}\n")
        return 1
    sys.stdout.write("".join(f"applied {name}\n" for name in names) or "nothing to migrate\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
