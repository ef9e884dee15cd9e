"""`./dev bench` from its arguments to its files."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import benchmarks.__main__ as bench
from benchmarks import install, publish
from benchmarks.bodies import CODE, request_body
from benchmarks.measure import Length
from benchmarks.processes import DidNotStart
from benchmarks.runs import read
from benchmarks.scenarios import SCENARIOS
from benchmarks.targets.registry import TARGETS
from benchmarks.targets.target import Place, Running


@contextmanager
def broken(place: Place) -> Iterator[Running]:
    if place.bedrock:
        raise DidNotStart("It ended with 3: no such module")
    yield Running("broken", [], [], {})


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(bench, "KEPT", tmp_path)
    return tmp_path


def test_a_run_leaves_tables_and_figures_that_can_be_published(
    kept: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "TARGETS", {**TARGETS, "broken": broken})
    names = "chat-stream,refused-401,refused-429,connections-1,connections-10"
    code = bench.main(
        [
            *("--only", names, "--targets", "relay,gateway,broken"),
            *("--rounds", "1", "--seconds", "0.3"),
        ]
    )
    out = capsys.readouterr().out
    (folder,) = kept.iterdir()
    found = read(folder / "results.json")

    assert code == 0, out
    assert found.missing == {"broken": "It ended with 3: no such module"}
    assert found.figures("chat-stream", "gateway")["events_rate"] > 0
    assert found.figures("refused-429", "gateway")["rate"] > 0
    assert found.figures("chat-stream", "relay") == {}
    assert found.about["gateway"].idle_mb > 20
    assert "Requests per second" in out
    assert (folder / "latency.svg").exists()

    monkeypatch.setattr(publish, "KEPT", kept / "kept")
    monkeypatch.setattr(publish, "PLOTS", kept / "plots")
    monkeypatch.setattr(publish, "PAGE", kept / "page.md")
    monkeypatch.setattr(publish, "README", kept / "readme.md")
    publish.README.write_text("<!-- made: speed -->\n<!-- end -->\n")
    publish.KEPT.mkdir()
    publish.PAGE.write_text("<!-- made: results -->\n<!-- end -->\n")
    assert publish.main([str(folder)]) == 0
    assert "Left out: broken." in publish.PAGE.read_text()
    assert "(benchmarks/latency.svg)" in publish.PAGE.read_text()


@pytest.mark.parametrize("argument", ["--only=nope", "--targets=nope"])
def test_a_name_that_nothing_has_is_a_mistake(
    argument: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.main([argument]) == bench.WRONG_ARGUMENTS
    assert "is called nope" in capsys.readouterr().err


def test_the_scenarios_can_be_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["--list"]) == 0
    assert "paced-50" in capsys.readouterr().out


def test_a_quick_run_is_quick() -> None:
    assert bench.plan(bench.arguments(["--quick"])).seconds < 80


def test_slow_streams_are_measured_long_enough_to_end() -> None:
    for one in SCENARIOS:
        assert Length(1, 0.1).for_answers_of(one.lasts).seconds >= 2 * one.lasts


def test_a_body_is_as_large_as_claude_codes() -> None:
    assert 80_000 < len(request_body("messages", CODE, "m", stream=True)) < 100_000
    assert 80_000 < len(request_body("chat", CODE, "m", stream=True)) < 100_000
    assert 2_000_000 < len(request_body("messages", "2000000", "m", stream=False)) < 2_010_000


def test_every_peer_is_pinned_with_hashes() -> None:
    lock = (install.PEERS / "litellm.lock").read_text()

    assert lock.count("==") <= lock.count("--hash=sha256:")
    for folder in (install.PEERS, install.CLIENTS):
        node = (folder / "package-lock.json").read_text()
        assert node.count('"integrity"') == node.count('"node_modules/')


def test_every_target_is_described() -> None:
    page = publish.PAGE.read_text()

    assert [name for name in TARGETS if f"\n| {name} | " not in page] == []
