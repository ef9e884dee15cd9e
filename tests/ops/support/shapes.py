"""Whether an invented answer is one that AWS could give: botocore's own model says so."""

from datetime import datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

SCALARS: dict[str, tuple[type, ...]] = {
    "blob": (bytes,),
    "boolean": (bool,),
    "double": (float, int),
    "float": (float, int),
    "integer": (int,),
    "long": (int,),
    "string": (str,),
    "timestamp": (datetime,),
}


def check(value: Any, shape: Shape, where: str) -> None:
    """Fails on a field that there is not, or of another type."""
    if isinstance(shape, StructureShape):
        assert isinstance(value, dict), where
        unknown = set(value) - set(shape.members)
        assert not unknown, f"{where} has no {unknown}"
        for name, one in value.items():
            check(one, shape.members[name], f"{where}.{name}")
    elif isinstance(shape, ListShape):
        assert isinstance(value, list), where
        for one in value:
            check(one, shape.member, f"{where}[]")
    elif isinstance(shape, MapShape):
        assert isinstance(value, dict), where
        for key, one in value.items():
            check(one, shape.value, f"{where}[{key!r}]")
    else:
        assert isinstance(value, SCALARS[shape.type_name]), f"{where} is {value!r}"
        assert not getattr(shape, "enum", None) or value in shape.enum, f"{where} is {value!r}"
