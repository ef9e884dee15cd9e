"""Real boto3 clients whose answers come from a fake.

botocore checks what is asked, as ever, and `shapes` what is answered. Not proved: signing, the wire
format, and what botocore does by itself when it is throttled (it does not try again here).
"""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import boto3
from botocore import xform_name

from tests.ops.support import shapes

REGION = "us-west-1"
Answer = Callable[..., Mapping[str, Any]]


def client(service: str, endpoint: str | None = None) -> Any:
    """One that nobody gets further with than moto."""
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )


class Refusal(Exception):
    """An error that AWS answers with."""

    def __init__(self, code: str, message: str = "as the test wishes") -> None:
        super().__init__(code)
        self.code = code
        self.message = message


class FakeService:
    """Its public methods answer the operations of their names; others go to moto, where it runs.

    `refuse` are errors for the next calls of an operation, one for each.
    """

    service = ""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Mapping[str, Any]]] = []
        self.refuse: dict[str, list[Refusal]] = {}

    def client(self) -> Any:
        made = client(self.service)
        asked: dict[str, Mapping[str, Any]] = {}

        def remember(params: Mapping[str, Any], model: Any, **_: Any) -> None:
            asked[model.name] = params

        def answer(model: Any, **_: Any) -> tuple[Any, Any] | None:
            name = xform_name(model.name)
            handler: Answer | None = getattr(self, name, None)
            if handler is None:
                return None
            self.calls.append((name, asked[model.name]))
            return self._answered(name, handler, asked[model.name], model)

        made.meta.events.register(f"before-parameter-build.{self.service}", remember)
        made.meta.events.register(f"before-call.{self.service}", answer)
        return made

    def asked(self, operation: str) -> list[Mapping[str, Any]]:
        return [params for name, params in self.calls if name == operation]

    def _answered(
        self, name: str, handler: Answer, params: Mapping[str, Any], model: Any
    ) -> tuple[Any, Any]:
        try:
            if self.refuse.get(name):
                raise self.refuse[name].pop(0)
            given = dict(handler(**params))
        except Refusal as refusal:
            said = {"Code": refusal.code, "Message": refusal.message}
            return SimpleNamespace(status_code=400), {"Error": said, "ResponseMetadata": {}}
        if model.output_shape is not None:
            shapes.check(given, model.output_shape, name)
        return SimpleNamespace(status_code=200), {**given, "ResponseMetadata": {}}
