"""Write the tables of each Terraform module's README: `python -m scripts.terraform_docs`.

They follow the conventions of terraform-docs: what is between the two marks is made, the rest is
written by hand. Only HCL that `terraform fmt` has laid out is read.
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

TERRAFORM = Path(__file__).resolve().parent.parent / "infra" / "terraform"
BEGIN, END = "<!-- BEGIN_TF_DOCS -->", "<!-- END_TF_DOCS -->"
BLOCK = re.compile(r'^(variable|output) "(\w+)" \{\n(.*?)^\}', re.MULTILINE | re.DOTALL)
RESOURCE = re.compile(r'^(resource|data) "(\w+)" "(\w+)"', re.MULTILINE)
MODULE = re.compile(r'^module "(\w+)" \{\n  source += "(.+?)"', re.MULTILINE)
ONE_LINE_TYPE = 60


@dataclass(frozen=True, slots=True)
class Block:
    """A variable or an output, as text."""

    name: str
    text: str

    def argument(self, name: str) -> str | None:
        """Its expression, over as many lines as it takes."""
        found = re.search(
            rf"^  {name} +=(.*?)(?=^  \w+ |^  \w+ *\{{|\Z)", self.text, re.MULTILINE | re.DOTALL
        )
        return found[1].strip() if found else None

    @property
    def description(self) -> str:
        text = (self.argument("description") or "").strip('"')
        return text.replace('\\"', '"').replace("|", "\\|")


def modules() -> list[Path]:
    """Modules and roots, each with a README."""
    found = [*(TERRAFORM / "modules").iterdir(), *(TERRAFORM / "environments").iterdir()]
    return sorted([*found, TERRAFORM / "bootstrap"])


def tables(folder: Path) -> str:
    """What stands between the marks."""
    text = "\n".join(path.read_text() for path in sorted(folder.glob("*.tf")))
    blocks = [(kind, Block(name, body)) for kind, name, body in BLOCK.findall(text)]
    variables = [block for kind, block in blocks if kind == "variable"]
    outputs = [block for kind, block in blocks if kind == "output"]
    parts = [BEGIN]
    parts += _section("Modules", "| name | source |\n|---|---|", map(_module, MODULE.findall(text)))
    kinds = sorted(
        {(kind, name) for kind, name, _ in RESOURCE.findall(text)},
        key=lambda one: (one[0] == "data", one[1]),
    )
    parts += _section("Resources", "| name | kind |\n|---|---|", map(_resource, kinds))
    heading = "| name | description | type | default | required |\n|---|---|---|---|:---:|"
    parts += _section("Inputs", heading, map(_input, sorted(variables, key=lambda one: one.name)))
    heading = "| name | description |\n|---|---|"
    parts += _section("Outputs", heading, map(_output, sorted(outputs, key=lambda one: one.name)))
    return "\n".join([*parts, END])


def _section(title: str, heading: str, rows: "map[str]") -> list[str]:
    lines = list(rows)
    return [f"## {title}", "", heading, *lines, ""] if lines else []


def _module(found: tuple[str, str]) -> str:
    name, source = found
    return f"| {name} | [{source}]({source}) |"


def _resource(found: tuple[str, str]) -> str:
    kind, name = found
    return f"| {name} | {'data source' if kind == 'data' else kind} |"


def _input(block: Block) -> str:
    kind, default = block.argument("type") or "any", block.argument("default")
    required = "no" if default is not None else "yes"
    shown = "n/a" if default is None else f"`{' '.join(default.split())}`"
    return f"| {block.name} | {block.description} | {_type(kind)} | {shown} | {required} |"


def _type(kind: str) -> str:
    line = " ".join(kind.split())
    return f"`{line}`" if len(line) <= ONE_LINE_TYPE else f"`{line.split('(')[0]}(…)`"


def _output(block: Block) -> str:
    return f"| {block.name} | {block.description} |"


def readme(folder: Path) -> str:
    """The README with today's tables; of a module without one, a heading and the tables."""
    path = folder / "README.md"
    text = path.read_text() if path.exists() else f"# {folder.name}\n\n{BEGIN}\n{END}\n"
    return re.sub(f"{BEGIN}.*?{END}", lambda _: tables(folder), text, flags=re.DOTALL)


def main() -> int:
    """Write all READMEs, or tell with `--check` which are not current."""
    stale = [one for one in modules() if not _is_current(one)]
    for folder in stale:
        print(folder.relative_to(TERRAFORM.parent.parent) / "README.md")
        if "--check" not in sys.argv[1:]:
            (folder / "README.md").write_text(readme(folder))
    return 1 if stale and "--check" in sys.argv[1:] else 0


def _is_current(folder: Path) -> bool:
    path = folder / "README.md"
    return path.exists() and path.read_text() == readme(folder)


if __name__ == "__main__":
    sys.exit(main())
