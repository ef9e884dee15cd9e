"""What can be chosen is what there is: one list, in Terraform and ops."""

from ops import diagnostics, services
from ops.context import ENVIRONMENTS
from ops.plan.touched import IMAGES
from tests.workflows.support.files import GITHUB, WORKFLOWS, load, operations


def choices(name: str) -> list[tuple[str, list[str]]]:
    """All choices of that name, by workflow."""
    found = []
    for path in WORKFLOWS:
        inputs = (load(path)["on"].get("workflow_dispatch") or {}).get("inputs", {})
        if name in inputs:
            found.append((path.name, inputs[name]["options"]))
    return found


def test_services_to_choose_are_those_that_terraform_runs() -> None:
    known = list(services.services())

    assert len(choices("service")) == 4
    for place, options in choices("service"):
        assert [one for one in options if one != "all"] == known, place


def test_environments_to_choose_are_those_of_terraform() -> None:
    assert len(choices("environment")) == 8
    for place, options in choices("environment"):
        assert options == list(ENVIRONMENTS), place
    assert load(GITHUB / "workflows/drift.yml")["jobs"]["drift"]["strategy"]["matrix"] == {
        "environment": list(ENVIRONMENTS)
    }


def test_other_choices_are_those_of_their_commands() -> None:
    assert choices("diagnostic") == [("ecs-exec.yml", list(diagnostics.ALL))]
    assert choices("count") == [("ecs-scale.yml", ["0", "1", "2", "3"])]
    assert choices("image") == [("image.yml", list(IMAGES))]


def test_what_is_free_text_is_known() -> None:
    free = [
        (name, given)
        for name, workflow in operations().items()
        for given, node in workflow["on"]["workflow_dispatch"]["inputs"].items()
        if node["type"] != "choice"
    ]

    assert free == [("ecs-logs", "filter")]
