"""`./dev doctor` says what is wrong, and what to do, before anything is installed."""

import importlib.util
import json
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.local.ports import free_port
from scripts import doctor
from scripts.doctor import Finding, Place, findings

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").touch()
    stamp = {"folder": str(tmp_path / ".venv"), "gateway": "1", "local": "2"}
    (tmp_path / ".venv" / "installed.json").write_text(json.dumps(stamp))
    return Place(tmp_path, {})


def told(found: Iterator[Finding], level: str) -> list[str]:
    return [one.what for one in found if one.level == level]


def test_it_needs_nothing_but_python_itself() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", ROOT / "scripts" / "doctor.py"],
        check=False,
        capture_output=True,
        text=True,
    )

    assert done.stderr == ""
    assert re.search(r"^ok    Python 3\.", done.stdout, re.MULTILINE)
    assert "./dev up" in done.stdout.splitlines()[-1]


def test_nothing_fails_where_all_is_well(place: Place) -> None:
    found = list(findings(place))

    assert told(iter(found), "FAIL") == []
    assert "holds the packages of gateway, local" in str(found)


def test_whatever_is_not_good_comes_with_advice(place: Place) -> None:
    bad = [one for one in findings(place) if one.level != "ok"]

    assert [one for one in bad if not (one.advice or one.command)] == []


def test_a_command_is_safe_to_paste_whatever_the_folder_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "my work; touch pasted $(touch pasted)'"
    (root / ".venv" / "lib" / "python3.11" / "site-packages" / "x-1.dist-info").mkdir(parents=True)
    (root / ".venv" / "bin").mkdir()
    (root / ".venv" / "bin" / "python").touch()
    stamp = {"folder": str(root / ".venv"), "gateway": "1"}
    (root / ".venv" / "installed.json").write_text(json.dumps(stamp))
    info = root / ".venv" / "lib" / "python3.11" / "site-packages" / "x-1.dist-info"
    (info / "METADATA").write_text("Name: x\n")
    (info / "RECORD").write_text("x.py,,\n")
    (root / "dev").touch()
    (tmp_path / "my").mkdir()
    monkeypatch.setattr(doctor, "_the_index", lambda: iter(()))

    (found,) = doctor.the_packages(Place(root, {}))
    subprocess.run(["sh", "-c", found.command], check=True, cwd=root)

    assert not (root / ".venv").exists()
    assert sorted(one.name for one in root.iterdir()) == ["dev"]
    assert (tmp_path / "my").exists()


def test_no_advice_ends_a_command_in_prose() -> None:
    source = (ROOT / "scripts" / "doctor.py").read_text()
    destructive = re.compile(r"(rm -|kill |chmod |chown |dropdb|DROP )[^\"']*, ")

    assert (
        destructive.findall(source.split('"""', 2)[2].replace("`rm -rf X, and ./dev …`", "")) == []
    )


def test_deleted_data_of_the_stack_are_told_with_the_cure(place: Place) -> None:
    assert list(doctor.the_data(place)) == []
    cluster = place.root / ".local" / "postgres" / "cluster"
    (cluster / "data").mkdir(parents=True)
    (cluster / "data" / "PG_VERSION").touch()
    assert told(doctor.the_data(place), "ok")

    shutil.rmtree(cluster / "data")

    (found,) = doctor.the_data(place)
    assert "was deleted" in found.what
    assert found.command == "./dev up"


def test_a_package_that_lost_a_file_is_named(place: Place) -> None:
    folder = place.root / ".venv" / "lib" / "python3.11" / "site-packages"
    for name in ("whole", "broken"):
        (folder / f"{name}-1.0.dist-info").mkdir(parents=True)
        (folder / f"{name}-1.0.dist-info" / "METADATA").write_text(f"Name: {name}\n")
        (folder / f"{name}-1.0.dist-info" / "RECORD").write_text(f"{name}.py,,\n")
    (folder / "whole.py").touch()

    found = next(doctor.the_packages(place))

    assert (found.level, found.what) == ("FAIL", ".venv has lost files of broken")
    assert found.command == f"rm -rf {place.root / '.venv'}"


def test_a_reader_who_has_enough_is_no_fault() -> None:
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -u -m scripts.doctor | head -1"],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )

    assert done.stderr == ""


def test_a_python_without_venv_is_told_the_package(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    (found,) = doctor.the_interpreter(place)

    assert found.level == "FAIL"
    assert re.fullmatch(r"apt-get install python3\.\d+-venv", found.command)


def test_a_disk_that_is_nearly_full_is_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "SPACE_NEEDED", 10**18)

    assert told(doctor.the_space(place), "FAIL")


def test_an_index_that_does_not_answer_is_told_with_pips_own_words(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place.root / ".venv" / "installed.json").unlink()
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{free_port()}/")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_RETRIES", "0")

    found = list(doctor.the_packages(place))

    assert [one.level for one in found] == ["note", "FAIL"]
    assert "PIP_INDEX_URL" in found[1].advice


def test_an_environment_that_was_moved_is_told(place: Place) -> None:
    (place.root / ".venv" / "installed.json").write_text('{"folder": "/elsewhere/.venv"}')

    assert next(doctor.the_packages(place)).what == ".venv was made in another folder"


def test_a_port_that_another_program_has_is_told(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr(doctor, "PORTS", {taken.getsockname()[1]: "--port"})

        (found,) = doctor.the_ports(place)

    assert found.level == "note"
    assert re.fullmatch(r"./dev up --port \d+", found.command)


def test_variables_that_lead_clients_elsewhere_are_told(place: Place) -> None:
    given = {"http_proxy": "http://proxy:3128", "CLAUDE_CODE_USE_BEDROCK": "1"}

    found = told(doctor.the_variables(Place(place.root, given)), "note")

    assert found == ["A proxy is set, also for 127.0.0.1", "CLAUDE_CODE_USE_BEDROCK is set"]
    assert not list(
        doctor.the_variables(Place(place.root, {"http_proxy": "p", "NO_PROXY": "127.0.0.1"}))
    )


def test_missing_programs_are_told_as_one_line_to_install(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, path: None)

    (found,) = doctor.the_tools(place)

    assert found.command.startswith("apt-get install git npm ")


def test_it_knows_every_package_that_ci_installs() -> None:
    installed = set(re.findall(r"missing\+=\(([\w.-]+)\)", (ROOT / ".ci" / "packages").read_text()))
    known = {package for packages, _ in doctor.TOOLS.values() for package in packages.split()}

    assert installed - {"python3", "python3-venv"} == known
