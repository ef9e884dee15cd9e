"""Known holes and licences: the real pip-audit, against a database of this test's own."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from scripts import audit
from scripts.audit import Acceptance, Hole, LookUpError, accepted, holes, judged, main
from scripts.lock import pins

HASH = "0" * 64
LOCK = f"""\
h11==0.16.0 \\
    --hash=sha256:{HASH}
idna==3.20 \\
    --hash=sha256:{HASH}
"""
TODAY = date(2026, 11, 23)


@dataclass
class Database:
    """Knows of holes by package, as OSV does; `broken` answers with a failure."""

    known: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    broken: bool = False
    url: str = ""

    def knows(self, package: str, id_: str, *aliases: str, fixed: str) -> None:
        ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}]
        of = {"name": package, "ecosystem": "PyPI"}
        affected = [{"package": of, "ranges": ranges}]
        self.known[package] = [
            {"id": id_, "aliases": list(aliases), "summary": "bad", "affected": affected}
        ]


@pytest.fixture
def database() -> Iterator[Database]:
    found = Database()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            vulns = found.known.get(asked["package"]["name"])
            body = json.dumps({"vulns": vulns} if vulns else {}).encode()
            self.send_response(500 if found.broken else 200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_request(self, *_: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield found
        server.shutdown()
        thread.join()


@pytest.fixture
def options(database: Database, tmp_path: Path) -> tuple[str, ...]:
    return (f"--osv-url={database.url}", f"--cache-dir={tmp_path}")


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    file = tmp_path / "some.lock"
    file.write_text(LOCK)
    return file


def test_a_hole_is_found_with_all_its_names_and_its_fix(
    database: Database, options: tuple[str, ...], lock: Path
) -> None:
    database.knows("h11", "GHSA-1", "CVE-2026-1", fixed="0.17.0")

    assert holes(lock, *options) == [
        Hole("h11", "0.16.0", frozenset({"GHSA-1", "CVE-2026-1"}), ["0.17.0"])
    ]


def test_without_holes_there_are_none(options: tuple[str, ...], lock: Path) -> None:
    assert holes(lock, *options) == []


def test_a_database_that_does_not_answer_is_not_a_clean_bill(
    database: Database, options: tuple[str, ...], lock: Path
) -> None:
    database.broken = True

    with pytest.raises(LookUpError):
        holes(lock, *options)


def test_the_verb_fails_for_a_hole_and_says_where_the_package_is(
    database: Database,
    options: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
) -> None:
    version = next(one for one in pins("gateway") if one.startswith("idna==")).split("==")[1]
    database.knows("idna", "GHSA-2", fixed="99.0")

    assert main(options) == audit.FOUND
    said = capsys.readouterr().out
    assert f"hole: idna {version}: GHSA-2; fixed in 99.0; in requirements: gateway, local" in said
    assert "./dev lock --upgrade" in said


def test_the_verb_passes_without(
    options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(options) == 0
    assert "no known hole" in capsys.readouterr().out


def test_the_verb_says_so_when_it_could_not_look(
    database: Database, options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    database.broken = True

    assert main(options) == audit.NOT_LOOKED_UP
    assert "could not be asked" in capsys.readouterr().err


HOLE = Hole("h11", "0.16.0", frozenset({"GHSA-1", "CVE-2026-1"}), [])


@pytest.mark.parametrize("id_", ["GHSA-1", "CVE-2026-1"])
def test_a_hole_may_be_agreed_to_for_a_time_by_any_of_its_names(id_: str) -> None:
    wrong, fine = judged([HOLE], [Acceptance(id_, "we never call it", TODAY)], TODAY)

    assert not wrong
    assert fine == [f"{HOLE}; accepted until 2026-11-23: we never call it"]


def test_after_that_time_it_is_wrong_again() -> None:
    past = Acceptance("GHSA-1", "we never call it", date(2026, 11, 22))

    wrong, _ = judged([HOLE], [past], TODAY)

    assert wrong == [f"{HOLE}; accepted until 2026-11-22 only: we never call it"]


def test_what_is_agreed_to_and_gone_is_to_be_tidied_up() -> None:
    wrong, fine = judged([], [Acceptance("GHSA-9", "old", TODAY)], TODAY)

    assert not wrong
    assert fine == ["GHSA-9 is not found any more: remove it from accepted.json"]


def test_what_is_agreed_to_today_can_be_read_and_has_reasons() -> None:
    assert all(one.reason for one in accepted())
