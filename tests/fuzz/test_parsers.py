"""A little of `./dev fuzz` on what reads bytes: the same inputs in every run."""

import pytest

from tests.fuzz import parsers
from tests.fuzz.found import CORPUS, Finding, kept
from tests.fuzz.targets import SEEDS, TARGETS
from tests.support.length import length

CASES = length(1_500, 5_000)


@pytest.mark.parametrize("name", TARGETS)
def test_no_input_is_read_in_another_way_than_by_others(name: str) -> None:
    assert parsers.fuzz(name, CASES, seed=1).findings == ()


@pytest.mark.parametrize(
    ("name", "data"), [(name, data) for name in TARGETS for data in (*SEEDS[name], *kept(name))]
)
def test_what_was_wrong_once_is_right(name: str, data: bytes) -> None:
    assert parsers.fails(name, data) is None


def test_what_fails_is_made_small_and_kept_with_the_command_that_repeats_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    def wrong(data: bytes) -> None:
        assert b"x" not in data

    monkeypatch.setattr(parsers, "TARGETS", {"frames": wrong})
    assert parsers.smallest("frames", b"some x bytes" * 30) == b"x"
    folder = tmp_path_factory.mktemp("repository") / "tests" / "fuzz" / "corpus"
    monkeypatch.setattr("tests.fuzz.found.CORPUS", folder)

    said = Finding("frames", b"x", "AssertionError").keep()

    (file,) = (folder / "frames").iterdir()
    assert file.read_bytes() == b"x"
    assert said == f"./dev fuzz --repeat tests/fuzz/corpus/frames/{file.name}"
    assert CORPUS.exists()
