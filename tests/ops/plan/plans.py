"""Plans written by hand, in the shape of `terraform show -json`."""

from typing import Any

Node = dict[str, Any]


def resource(
    address: str, actions: list[str], before: Node | None, after: Node | None, **more: Any
) -> Node:
    """One entry of `resource_changes`; its type is the first part of its address' end."""
    marks: Node = {"before_sensitive": {}, "after_sensitive": {}, "after_unknown": {}}
    given = {name: more.pop(name) for name in (*marks, "importing") if name in more}
    return {
        "address": address,
        "mode": more.pop("mode", "managed"),
        "type": more.pop("kind", address.partition("[")[0].split(".")[-2]),
        "change": {"actions": actions, "before": before, "after": after, **marks, **given},
        **more,
    }


def created(address: str, **after: Any) -> Node:
    return resource(address, ["create"], None, after)


def updated(address: str, before: Node, after: Node, **marks: Any) -> Node:
    return resource(address, ["update"], before, after, **marks)


def deleted(address: str) -> Node:
    return resource(address, ["delete"], {"id": "x"}, None)


def document(*changes: Node, **more: Any) -> Node:
    return {"format_version": "1.2", "resource_changes": list(changes), **more}


COMMIT = "0123456789abcdef0123456789abcdef01234567"
CHANGES = document(updated("aws_sqs_queue.this", {"name": "a"}, {"name": "b"}))
NOTHING = document()
