"""Write the tables of docs/cost.md: `python -m tests.infra.support.cost_page`.

The plans come from Terraform with the stand-in provider.
"""

import json
import sys
import tempfile
from pathlib import Path

from scripts import cost
from tests.infra.standin.server import serving
from tests.infra.support.deployment import planned
from tests.infra.support.terraform import ROOT, Terraform, binary, copy_infra

PAGE = ROOT / "docs" / "cost.md"
SELF_HOSTED = {"mode": "self_hosted", "admin_email": "platform@example.com"}
IMAGES = dict.fromkeys(("clickhouse", "langfuse-web", "langfuse-worker", "valkey"), "x/y:1.2.3")


def bills(terraform: Terraform, infra: Path) -> dict[str, list[cost.Line]]:
    """The rows of each of the page's tables."""
    poc = planned(terraform, infra, "poc")
    prod = planned(terraform, infra, "prod")
    images = {**poc.plan["variables"]["images"]["value"], **IMAGES}
    options = (f"-var=langfuse={json.dumps(SELF_HOSTED)}", f"-var=images={json.dumps(images)}")
    more = planned(terraform, infra, "poc", *options)
    without = cost.bill("poc", poc.plan).lines()
    return {
        "poc": without,
        "langfuse": cost.added(without, cost.bill("poc", more.plan).lines()),
        "prod": cost.bill("prod", prod.plan).lines(),
    }


def written(found: dict[str, list[cost.Line]]) -> str:
    """The page with these tables."""
    page = PAGE.read_text()
    for name, lines in found.items():
        page = cost.replaced(page, name, cost.table(lines))
    return page


def main() -> None:
    """Plan, compute, write."""
    with tempfile.TemporaryDirectory() as folder, serving() as environment:
        path = binary(Path(folder))
        if path is None:
            sys.exit("terraform is not installed")
        PAGE.write_text(written(bills(Terraform(path, environment), copy_infra(Path(folder)))))


if __name__ == "__main__":
    main()
