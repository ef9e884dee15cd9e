"""What is kept between two runs of the stack."""

import subprocess
from pathlib import Path

import pytest

from app.local.stack_state import State, code_fingerprint, fingerprint

AWKWARD = ["plain", "two words", "it's", '"$HOME"', "`id`", "a\\b", "a;b&c", ""]


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path)


@pytest.mark.parametrize("value", AWKWARD)
def test_a_shell_reads_from_the_environment_file_what_was_written(state: State, value: str) -> None:
    state.write_environment({"FIRST": value, "SECOND": "x"})
    script = f'. {state.environment_file}; sh -c \'printf "%s|%s" "$FIRST" "$SECOND"\''
    done = subprocess.run(["sh", "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout == f"{value}|x"


def test_the_environment_file_is_private_even_if_a_wider_one_was_there(state: State) -> None:
    state.environment_file.write_text("old")
    state.environment_file.chmod(0o644)
    state.write_environment({"A": "b"})
    assert state.environment_file.stat().st_mode & 0o777 == 0o600


def test_the_master_key_is_made_once_and_is_private(state: State) -> None:
    key = state.master_key()
    assert key == state.master_key()
    assert len(key) >= 32
    assert (state.directory / "master.key").stat().st_mode & 0o777 == 0o600


def test_a_fingerprint_changes_with_a_value_and_not_with_the_order() -> None:
    assert fingerprint({"a": "1", "b": "2"}) == fingerprint({"b": "2", "a": "1"})
    assert fingerprint({"a": "1"}) != fingerprint({"a": "2"})


def test_the_fingerprint_of_unchanged_code_is_the_same() -> None:
    assert code_fingerprint() == code_fingerprint()
