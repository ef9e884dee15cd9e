"""Documents of the platform: diagrams are drawn, tables are current, links lead somewhere."""

import json
import re
from pathlib import Path

import pytest

from scripts import terraform_docs
from tests.infra.support import diagrams
from tests.infra.support.diagrams import Rendered
from tests.infra.support.terraform import ROOT

PAGES = sorted({*ROOT.glob("infra/**/*.md"), *ROOT.glob("tests/infra/**/*.md")})
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
ARROW = re.compile(r"^    ([\w& -]+?) -->(?:\|[^|]*\|)? ([\w& -]+)", re.MULTILINE)
C4 = ROOT / "docs" / "architecture" / "c4-architecture.md"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rendered]:
    lacking = diagrams.missing()
    if lacking is not None:
        pytest.skip(f"{lacking} is not installed: apt-get install {lacking}")
    found = diagrams.diagrams()
    texts = [one.text for one in found]
    rendered = diagrams.render([*texts, "flowchart LR\n  a --> [b"], tmp_path_factory.mktemp("m"))
    return dict(zip([*(one.place for one in found), "broken"], rendered, strict=True))


@pytest.mark.parametrize("place", [one.place for one in diagrams.diagrams()])
def test_a_diagram_is_drawn(drawn: dict[str, Rendered], place: str) -> None:
    assert drawn[place].error == ""
    assert drawn[place].width > 100
    assert drawn[place].height > 50
    assert "Syntax error" not in drawn[place].text


def test_a_broken_diagram_would_be_noticed(drawn: dict[str, Rendered]) -> None:
    assert drawn["broken"].error != ""


def test_the_containers_are_the_services() -> None:
    facts = json.loads((ROOT / "infra/terraform/modules/platform/services.json").read_text())
    containers = C4.read_text().split("## Containers")[1].split("## Components")[0]

    for name in facts:
        assert name in containers, name


def test_arrows_between_services_are_calls() -> None:
    facts = json.loads((ROOT / "infra/terraform/modules/platform/services.json").read_text())
    names = {"metrics": "victoria-metrics", "web": "langfuse-web", "worker": "langfuse-worker"}
    drawn = set()
    for left, right in ARROW.findall(C4.read_text().split("## Components")[0]):
        for caller in left.split(" & "):
            for callee in right.split(" & "):
                drawn.add((names.get(caller, caller), names.get(callee, callee)))

    calls = {(caller, callee) for caller, one in facts.items() for callee in one.get("calls", {})}
    assert {(a, b) for a, b in drawn if a in facts and b in facts} == calls


def test_every_view_is_there() -> None:
    headings = re.findall(r"^## (.+)$", C4.read_text(), re.MULTILINE)

    assert headings == ["Context", "Containers", "Components of the gateway", "Deployment"]


@pytest.mark.parametrize("folder", terraform_docs.modules(), ids=lambda one: one.name)
def test_the_tables_of_a_module_are_current(folder: Path) -> None:
    assert (folder / "README.md").read_text() == terraform_docs.readme(folder), (
        "run python -m scripts.terraform_docs"
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text()):
        path = link.partition("#")[0]
        if path and not path.startswith(("http://", "https://")):
            assert (page.parent / path).exists(), link


def test_every_kind_of_mistake_that_passes_is_named_where_readers_look() -> None:
    security = (ROOT / "docs" / "security.md").read_text()

    assert "tests/infra/standin/README.md" in security
    for test in re.findall(r"`(?:tests/infra/)?(test_\w+\.py)`", security):
        assert (ROOT / "tests" / "infra" / test).exists(), test
