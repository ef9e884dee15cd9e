"""The schema that the migrations add up to, as SQL: `python -m app.local.schema` prints it.

`app/store/schema.sql` is that text, kept to be read and reviewed; a test compares the two.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from app.local.account import programs, server_account
from app.local.postgres import FOR_TESTS, Postgres
from app.store.migrate import migrate

HEAD = """\
-- What the migrations add up to. Made by `python -m app.local.schema`; never applied.
"""

NOISE = re.compile(
    r"^(--.*|SET .*|SELECT pg_catalog\.set_config.*|\\(un)?restrict .*)\n", re.MULTILINE
)
"""Comments, settings and random marks of pg_dump, which say nothing of the schema."""

VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
}


def schema_of(dsn: str) -> str:
    """The schema of a database, in a form that depends on nothing else."""
    where = conninfo_to_dict(dsn)
    dump = subprocess.run(
        [
            programs(server_account(Path(os.devnull, "no-cluster"))) / "pg_dump",
            "--schema-only",
            "--no-owner",
            "--no-privileges",
        ],
        env={VARIABLES[name]: str(where[name]) for name in VARIABLES if name in where},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    return HEAD + re.sub(r"\n{3,}", "\n\n", NOISE.sub("", dump)).rstrip() + "\n"


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="gateway-schema-") as folder:
        Path(folder).chmod(0o711)
        server = Postgres(Path(folder), settings=FOR_TESTS, tied=True)
        migrate(server.start())
        try:
            sys.stdout.write(schema_of(server.dsn))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
