"""The provider's schema: from the JSON that `terraform providers schema` writes to the protocol."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tfplugin_proto import tfplugin5_5_pb2 as pb

PROVIDER: Final = "registry.terraform.io/hashicorp/aws"
FILE: Final = Path(__file__).with_name("schema.json")
NESTING: Final = {"single": 1, "list": 2, "set": 3, "map": 4, "group": 5}

Block = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Schema:
    """Blocks by the name of a resource or data source, and the provider's own."""

    version: str
    provider: Block
    resources: dict[str, Block]
    data_sources: dict[str, Block]

    @classmethod
    def load(cls, path: Path = FILE) -> "Schema":
        document = json.loads(path.read_text())
        found = document["provider_schemas"][PROVIDER]
        return cls(
            document["provider_version"],
            found["provider"]["block"],
            {name: one["block"] for name, one in found["resource_schemas"].items()},
            {name: one["block"] for name, one in found["data_source_schemas"].items()},
        )

    def message(self) -> Any:
        """The answer to GetSchema."""
        answer = pb.GetProviderSchema.Response(provider=_schema(self.provider))
        for name, block in self.resources.items():
            answer.resource_schemas[name].CopyFrom(_schema(block))
        for name, block in self.data_sources.items():
            answer.data_source_schemas[name].CopyFrom(_schema(block))
        return answer


def attributes(block: Block) -> dict[str, Any]:
    found: dict[str, Any] = block.get("attributes", {})
    return found


def nested(block: Block) -> dict[str, Any]:
    found: dict[str, Any] = block.get("block_types", {})
    return found


def _schema(block: Block) -> Any:
    return pb.Schema(version=0, block=_block(block))


def _block(block: Block) -> Any:
    message = pb.Schema.Block()
    for name, attribute in sorted(attributes(block).items()):
        message.attributes.add(
            name=name,
            type=json.dumps(attribute["type"]).encode(),
            **{
                k: True for k in ("required", "optional", "computed", "sensitive") if k in attribute
            },
        )
    for name, kind in sorted(nested(block).items()):
        mode = kind["nesting_mode"]
        child = message.block_types.add(type_name=name, nesting=NESTING[mode])
        if mode in ("list", "set"):
            child.min_items = kind.get("min_items", 0)
            child.max_items = kind.get("max_items", 0)
        child.block.CopyFrom(_block(kind["block"]))
    return message
