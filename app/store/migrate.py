"""Brings a database to the schema of this version: `python -m app.store.migrate`.

Migrations are the files `migrations/NNNN_{pre,post}_words.sql`, applied in order, forward only.
`pre` runs before new code is deployed and must suit the old code too; `post` runs after it. What
suits the old code is in docs/reliability.md, under "Migrations".
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

_NAME = re.compile(r"(\d{4})_(pre|post)_[a-z0-9_]+\.sql")

MIGRATION_TABLE: LiteralString = """
CREATE TABLE IF NOT EXISTS schema_migration (
    name       text        PRIMARY KEY,
    digest     text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


class MigrationError(Exception):
    """The database and the files do not fit together; the message says where."""


@dataclass(frozen=True, slots=True)
class Migration:
    name: str
    sql: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Applied:
    name: str
    digest: str


def migrations() -> list[Migration]:
    """All migrations of this version, in order."""
    folder = resources.files("app.store") / "migrations"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    if wrong := [f.name for f in files if not _NAME.fullmatch(f.name)]:
        raise MigrationError(f"not named NNNN_pre_words.sql or NNNN_post_words.sql: {wrong}")
    return [Migration(f.name, f.read_text(encoding="utf-8")) for f in files]


def missing(applied: Sequence[Applied], known: Sequence[Migration]) -> list[Migration]:
    """What is still to be applied. Raises MigrationError if an applied file was edited since."""
    digests = {a.name: a.digest for a in applied}
    for migration in known:
        if digests.get(migration.name, migration.digest) != migration.digest:
            raise MigrationError(
                f"{migration.name} was changed after it had been applied; "
                "restore the file and write a new migration instead"
            )
    return [m for m in known if m.name not in digests]


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
            _apply(connection, migration)
        return [migration.name for migration in todo]


def _apply(connection: psycopg.Connection, migration: Migration) -> None:
    with connection.transaction():
        connection.execute("SET LOCAL lock_timeout = '5s'")
        connection.execute(migration.sql.encode())
        connection.execute(
            "INSERT INTO schema_migration (name, digest) VALUES (%s, %s)",
            (migration.name, migration.digest),
        )


def check_address(dsn: str) -> None:
    """Raises ValueError for what is no connection string. Its own words would quote a password."""
    try:
        conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        raise ValueError(f"DATABASE_URL is no address of a database, as {EXAMPLE}") from None


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
