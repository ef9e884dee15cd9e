"""The container for development is one in which `./dev` works."""

import json
import os
import re
import runpy
import tomllib
from pathlib import Path

from app.settings import Settings

ROOT = Path(__file__).parents[2]
CONTAINER = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
SCRIPT = ROOT / CONTAINER["postCreateCommand"]


def test_it_forwards_the_gateways_ports() -> None:
    ports = [Settings.model_fields[f"{name}_port"].default for name in ("public", "internal")]

    assert CONTAINER["forwardPorts"] == ports
    assert list(CONTAINER["portsAttributes"]) == [str(port) for port in ports]


def test_its_python_is_new_enough() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = re.findall(r"\d+", project["requires-python"])
    there = re.findall(r":(\d+)\.(\d+)", CONTAINER["image"])[0]

    assert tuple(map(int, there)) >= tuple(map(int, wanted[:2]))


def test_what_it_runs_first_is_there() -> None:
    verbs = runpy.run_path(str(ROOT / "dev"), run_name="read")["COMMANDS"]
    text = SCRIPT.read_text()

    assert os.access(SCRIPT, os.X_OK)
    assert set(re.findall(r"^\./dev (\w+)", text, re.MULTILINE)) <= set(verbs)
