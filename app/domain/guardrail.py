"""Bedrock guardrails: which one a call is made with."""

import re
from dataclasses import dataclass
from typing import Final

_FORM: Final = re.compile(
    r"([a-z0-9]{1,100}|arn:aws(?:-[a-z-]{1,20})?:bedrock:[a-z0-9-]{1,20}:[0-9]{12}"
    r":guardrail/[a-z0-9]{1,100}):([1-9][0-9]{0,7}|DRAFT)"
)


@dataclass(frozen=True, slots=True)
class Guardrail:
    """A guardrail by its id or ARN, in one of its versions."""

    id: str
    version: str

    @classmethod
    def parse(cls, text: str) -> "Guardrail":
        """Of `id:version`. Raises ValueError for anything else."""
        form = _FORM.fullmatch(text)
        if form is None:
            raise ValueError(
                "write a Bedrock guardrail as <id>:<version>, its id or ARN and a number or DRAFT"
            )
        return cls(form[1], form[2])

    def __str__(self) -> str:
        return f"{self.id}:{self.version}"
