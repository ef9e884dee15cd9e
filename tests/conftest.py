"""What every tier shares: a PostgreSQL server for each worker, a fresh database for each test."""

import os
import shutil
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest
from httpx._config import DEFAULT_TIMEOUT_CONFIG

from app.local.postgres import FOR_TESTS, Postgres
from tests.support.processes import forking
from tests.support.stack import Stack, running_stack

NO_SKIPS = "STARGATE_NO_SKIPS"
LONGEST = (
    "tests/image/test_image.py",
    "tests/ops/playbooks/test_playbooks.py",
    "tests/e2e/test_dev_up.py",
    "tests/e2e/test_dev_observability.py",
    "tests/observability/test_live.py",
    "tests/infra/test_life.py",
    "tests/infra/test_edge_function.py",
    "tests/ops/playbooks/test_runbook_commands.py",
    "tests/workflows/",
    "tests/benchmarks/",
    "tests/chaos/",
    "tests/hostile/",
    "tests/e2e/",
    "tests/infra/",
    "tests/ops/",
    "tests/integration/",
)
"""Begun first, so that no worker is left alone with one of them at the end: `./dev test`."""

# Tests start programs while Terraform's stand-in serves gRPC in this process. gRPC's own handlers
# around a fork then write into the child's output, and can end it before it runs.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"

# A busy machine answers late: that is no failure. Clients of httpx that name no time get this.
for _part in ("connect", "read", "write", "pool"):
    setattr(DEFAULT_TIMEOUT_CONFIG, _part, 30.0)


@pytest.fixture(scope="session", autouse=True)
def _forking() -> Iterator[None]:
    with forking():
        yield


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="gateway-tests-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def reachable_path() -> Iterator[Path]:
    """An empty folder like `tmp_path`, but open to the user that root's PostgreSQL runs as."""
    with _folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A running server, of this worker alone."""
    with _folder() as folder:
        server = Postgres(folder, settings=FOR_TESTS, tied=True)
        server.start()
        yield server
        server.stop()


@pytest.fixture(scope="session")
def _administration(postgres: Postgres) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    with psycopg.connect(postgres.dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def _template(postgres: Postgres, _administration: "psycopg.Connection[tuple[object, ...]]") -> str:
    from app.database.migrate import migrate

    _administration.execute("CREATE DATABASE migrated")
    migrate(at(postgres, "migrated"))
    return "migrated"


@pytest.fixture(scope="session")
def _numbers() -> Iterator[int]:
    return count()


def _database(
    postgres: Postgres,
    _administration: "psycopg.Connection[tuple[object, ...]]",
    _template: str,
    _numbers: Iterator[int],
) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    _administration.execute(f"CREATE DATABASE {name} TEMPLATE {_template}")
    yield at(postgres, name)
    _administration.execute(f"DROP DATABASE {name} WITH (FORCE)")


database_url = pytest.fixture(_database, name="database_url")
"""A migrated database that only this test uses."""

module_database_url = pytest.fixture(_database, name="module_database_url", scope="module")
"""One that the tests of a module share."""


def at(postgres: Postgres, database: str) -> str:
    return f"{postgres.dsn.rpartition('/')[0]}/{database}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_place)


def _place(item: pytest.Item) -> int:
    return next((n for n, path in enumerate(LONGEST) if item.nodeid.startswith(path)), len(LONGEST))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if not hasattr(report, "wasxfail"):
        _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _refuse_skip(report)
    return report


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Where everything is installed, a skipped test is a test that nobody runs."""
    if report.skipped and os.environ.get(NO_SKIPS):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{NO_SKIPS} is set, and this was to be skipped: {reason}"


@pytest.fixture(scope="session")
def _shared_stack(
    postgres: Postgres,
    _administration: "psycopg.Connection[tuple[object, ...]]",
    _template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stack]:
    _administration.execute(f"CREATE DATABASE shared TEMPLATE {_template}")
    with running_stack(at(postgres, "shared"), tmp_path_factory.mktemp("stack")) as stack:
        yield stack


@pytest.fixture
def stack(_shared_stack: Stack) -> Iterator[Stack]:
    """A running gateway that the tests of a worker share: each takes keys of its own."""
    yield _shared_stack
    _shared_stack.emulator.scenario()


@pytest.fixture
def own_stack(database_url: str, tmp_path: Path) -> Iterator[Stack]:
    """A gateway, database and emulator for one test, which may break them."""
    with running_stack(database_url, tmp_path) as stack:
        yield stack
