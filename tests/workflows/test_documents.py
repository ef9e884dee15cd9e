"""The page on workflows tells of every one of them, and of nothing else."""

import re

from tests.workflows.support.files import GITHUB, ROOT, WORKFLOWS, load

PAGE = (ROOT / "docs/workflows.md").read_text()
ROWS = {
    cells[0].strip("`"): cells
    for line in PAGE.splitlines()
    if len(cells := [one.strip() for one in line.strip().strip("|").split("|")]) == 6
    and cells[0].startswith("`")
}
VARIABLE = re.compile(r"\bvars\.([A-Z_]+)|vars\[format\('([A-Z_]+)\{0\}'")
SECRET = re.compile(r"\bsecrets\.([A-Z_]+)")


def test_every_workflow_is_in_the_table_and_no_other() -> None:
    assert set(ROWS) == {path.stem for path in WORKFLOWS}


def test_the_inputs_in_the_table_are_those_of_the_workflow() -> None:
    for path in WORKFLOWS:
        on = load(path)["on"]
        inputs = {
            **(on.get("workflow_dispatch") or {}).get("inputs", {}),
            **(on.get("workflow_call") or {}).get("inputs", {}),
        }
        for name in inputs:
            assert name in ROWS[path.stem][2], (path.stem, name)
        assert inputs or ROWS[path.stem][2] == "\N{EN DASH}", path.stem


def test_every_variable_and_secret_is_told() -> None:
    text = "".join(path.read_text() for path in WORKFLOWS)
    variables = {
        name
        for plain, stem in VARIABLE.findall(text)
        for name in ([plain] if plain else [f"{stem}POC", f"{stem}PROD"])
    }

    assert variables >= {"AWS_REGION", "TFVARS_PROD"}
    for name in variables | set(SECRET.findall(text)):
        assert f"`{name}`" in PAGE, name


def test_every_environment_is_told() -> None:
    for name in ("poc", "prod", "poc-ops", "prod-ops"):
        assert f"`{name}`" in PAGE


def test_owners_are_of_places_that_there_are() -> None:
    for line in (GITHUB / "CODEOWNERS").read_text().splitlines():
        place = line.partition(" ")[0]
        if place not in ("#", "*"):
            assert (ROOT / place.strip("/")).exists(), place
