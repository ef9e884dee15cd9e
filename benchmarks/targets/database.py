"""The PostgreSQL of a target that keeps something."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.local.postgres import FOR_TESTS, Postgres, PostgresError
from benchmarks.processes import DidNotStart
from benchmarks.targets.target import Place


@contextmanager
def database(place: Place, name: str) -> Iterator[tuple[str, int]]:
    """A new one that runs: its address and its process. Raises DidNotStart."""
    settings = {} if place.durable else FOR_TESTS
    postgres = Postgres(place.folder / name, settings=settings, tied=True)
    try:
        dsn = postgres.start()
    except PostgresError as error:
        raise DidNotStart(str(error)) from error
    try:
        assert postgres.pid is not None
        yield dsn, postgres.pid
    finally:
        postgres.stop()
