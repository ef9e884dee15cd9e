"""Write schema.json: `python -m tests.infra.standin.extract WHEEL`.

The provider itself can only be downloaded from Terraform's registry. Its schema is on PyPI as well:
the package cdktn-provider-aws is generated from it, with a class for each resource whose members
say name, type and whether they are required, optional or computed. This reads the classes of the
resources that infra/terraform uses:

    pip download --no-deps cdktn-provider-aws==25.8.1
    python -m tests.infra.standin.extract cdktn_provider_aws-25.8.1-py3-none-any.whl

Lost on the way: which attributes are sensitive, how many blocks there may be beyond "one" and "any
number", and types that the package leaves open; those come from by_hand.json.
"""

import io
import json
import re
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.infra.standin.schema import FILE, PROVIDER, Block

HERE: Final = Path(__file__).parent
INFRA: Final = Path(__file__).parents[3] / "infra" / "terraform"
DECLARED: Final = re.compile(r'^(resource|data) "(aws_\w+)"', re.MULTILINE)
CLASS: Final = re.compile(
    r"^class (\w+) extends cdktn\.(\w+) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL
)
WRITER: Final = re.compile(
    r"^function (\w+)ToHclTerraform\(.*?\n(.*?)^\}", re.MULTILINE | re.DOTALL
)
MEMBER: Final = re.compile(
    r"^    // (\w+) - computed: (\w+), optional: (\w+), required: (\w+)\n"
    r"(.*?)(?=^    // \w+ - computed:|\Z)",
    re.MULTILINE | re.DOTALL,
)
WRITTEN: Final = re.compile(
    r'^ +(\w+): \{\n +value: .*?,\n +isBlock: \w+,\n +type: "(\w+)",\n +storageClassType: "(\w+)"',
    re.MULTILINE,
)
COLLECTION: Final = re.compile(r'new cdktn\.(\w+?)(Map|List)\(this, "\w+"(?:, (true|false))?\)')
NESTED: Final = re.compile(r'new (\w+)\(this, "\w+"(?:, (true|false))?\)')
GETTER: Final = re.compile(r"this\.get(\w*?)(Map|List)?Attribute\(")
SCALARS: Final = {
    "": "string",
    "Boolean": "bool",
    "Number": "number",
    "String": "string",
    "boolean": "bool",
    "number": "number",
    "string": "string",
}


@dataclass(frozen=True, slots=True)
class Source:
    """The classes of one resource, and how each struct is written."""

    classes: dict[str, tuple[str, str]]
    writers: dict[str, str]

    @classmethod
    def parse(cls, text: str) -> "Source":
        # Large resources are spread over files that import each other's classes.
        text = re.sub(r"\b(?:index_)?structs?\w*\.(?=\w)", "", text)
        return cls(
            {one[1]: (one[2], one[3]) for one in CLASS.finditer(text)},
            {one[1].lower(): one[2] for one in WRITER.finditer(text)},
        )

    def main(self) -> str:
        """The body of the class of the resource or data source itself."""
        return next(
            body
            for base, body in self.classes.values()
            if base in ("TerraformResource", "TerraformDataSource")
        )

    def block(self, body: str, written: str) -> Block:
        forms = {one[1]: (one[2], one[3]) for one in WRITTEN.finditer(written)}
        block: Block = {}
        for name, computed, optional, required, text in MEMBER.findall(body):
            flags = {"computed": computed, "optional": optional, "required": required}
            kept = {flag: True for flag, value in flags.items() if value == "true"}
            nested = NESTED.search(text)
            form = forms.get(name)
            if nested is None or COLLECTION.search(text):
                kind = {"type": self.simple(text, form), **kept}
                block.setdefault("attributes", {})[name] = kind
            elif self.is_attribute(nested[1], computed == "true"):
                kind = {"type": self.object_type(nested[1], nested[2], form), **kept}
                block.setdefault("attributes", {})[name] = kind
            else:
                child = self.child(nested[1], nested[2], form, required == "true")
                block.setdefault("block_types", {})[name] = child
        return block

    def is_attribute(self, name: str, computed: bool) -> bool:
        """Whether values are set by `=`: then their writer lets them be missing."""
        base, _ = self.classes[name]
        writer = self.writers.get(self.element(name).removesuffix("OutputReference").lower(), "")
        return computed or base == "ComplexMap" or "=== undefined ? null :" in writer

    def element(self, name: str) -> str:
        """The class of one element of a list, set or map."""
        for base, ending in (("ComplexList", "List"), ("MapList", "List"), ("ComplexMap", "Map")):
            if self.classes[name][0] == base:
                return name.removesuffix(ending) + "OutputReference"
        return name

    def child(
        self, name: str, is_set: str, form: tuple[str, str] | None, required: bool
    ) -> dict[str, Any]:
        element = self.element(name)
        writer = self.writers.get(element.removesuffix("OutputReference").lower(), "")
        found: dict[str, Any] = {"block": self.block(self.classes[element][1], writer)}
        if self.classes[name][0] == "ComplexList":
            found["nesting_mode"] = "set" if is_set == "true" else "list"
        else:
            found["nesting_mode"] = {"struct": "single"}.get(form[0], form[0]) if form else "list"
            if found["nesting_mode"] != "single":
                found["max_items"] = 1
        if required:
            found["min_items"] = 1
        return found

    def object_type(self, name: str, is_set: str, form: tuple[str, str] | None) -> Any:
        base, element = self.classes[name][0], self.element(name)
        members = {
            member: self.member_type(text)
            for member, _, _, _, text in MEMBER.findall(self.classes[element][1])
        }
        kind: Any = ["object", members]
        if base == "ComplexMap":
            return ["map", kind]
        if base in ("ComplexList", "MapList"):
            return ["set" if is_set == "true" else "list", kind]
        return [form[0], kind] if form and form[0] in ("list", "set") else kind

    def member_type(self, text: str) -> Any:
        nested = NESTED.search(text)
        if nested is None or COLLECTION.search(text):
            return self.simple(text, None)
        return self.object_type(nested[1], nested[2], None)

    @staticmethod
    def simple(text: str, form: tuple[str, str] | None) -> Any:
        """A scalar, or a collection of scalars."""
        collection, getter = COLLECTION.search(text), GETTER.search(text)
        if collection:
            name = "map" if collection[2] == "Map" else "set" if collection[3] == "true" else "list"
            kind: Any = [name, SCALARS[collection[1]]]
        elif getter and getter[2] == "Map":
            kind = ["map", SCALARS[getter[1].removesuffix("String") or "String"]]
        elif getter and getter[2] == "List":
            kind = ["set" if "Fn.tolist" in text else "list", SCALARS[getter[1]]]
        elif getter:
            kind = SCALARS[getter[1]]
        elif form:
            scalar = SCALARS[re.sub("(List|Map)$", "", form[1])]
            kind = scalar if form[0] == "simple" else [form[0], scalar]
        else:
            raise ValueError(f"a type that the package leaves open:\n{text}")
        if form and form[0] == "set" and isinstance(kind, list):
            kind[0] = "set"
        return kind


def used() -> set[tuple[str, str]]:
    """Resources and data sources that infra/terraform declares."""
    text = "\n".join(path.read_text() for path in INFRA.glob("**/*.tf"))
    return {(kind, name) for kind, name in DECLARED.findall(text)}


def folder_of(kind: str, name: str) -> str:
    words = name.removeprefix("aws_").replace("_", "-")
    return f"data-aws-{words}" if kind == "data" else words


def sources(wheel: Path, folders: set[str]) -> dict[str, str]:
    """The JavaScript of each folder, out of the archive within the wheel."""
    found: dict[str, str] = {}
    with zipfile.ZipFile(wheel) as outer:
        name = next(one for one in outer.namelist() if one.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(outer.read(name)), mode="r:gz") as inner:
            for member in inner:
                parts = member.name.split("/")
                if parts[:2] == ["package", "lib"] and parts[2] in folders:
                    file = inner.extractfile(member) if member.name.endswith(".js") else None
                    if file is not None:
                        text = file.read().decode().split("\n//# sourceMappingURL")[0]
                        found[parts[2]] = found.get(parts[2], "") + "\n" + text
    return found


def main() -> None:
    """Read the wheel, write the schema."""
    wheel = Path(sys.argv[1])
    by_hand = json.loads((HERE / "by_hand.json").read_text())
    wanted = used()
    texts = sources(wheel, {folder_of(*one) for one in wanted})
    schemas: dict[str, dict[str, Any]] = {"resource": {}, "data": {}}
    version = ""
    for kind, name in sorted(wanted):
        text = texts[folder_of(kind, name)]
        version = re.findall(r"providerVersion: '([\d.]+)'", text)[0]
        if name in by_hand["resource_schemas"]:
            block = by_hand["resource_schemas"][name]
        else:
            source = Source.parse(text)
            block = source.block(source.main(), source.main())
        schemas[kind][name] = {"version": 0, "block": block}
    document = {
        "provider_version": version,
        "source": f"cdktn-provider-aws {wheel.name.split('-')[1]}",
        "provider_schemas": {
            PROVIDER: {
                "provider": {"version": 0, "block": by_hand["provider"]},
                "resource_schemas": schemas["resource"],
                "data_source_schemas": schemas["data"],
            }
        },
    }
    FILE.write_text(json.dumps(document, sort_keys=True, separators=(",", ":")) + "\n")
    sys.stdout.write(f"{FILE.name}: provider {version}, {len(wanted)} types\n")


if __name__ == "__main__":
    main()
