"""Bedrock guardrails: which one a call is made with, and what its work costs."""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
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


@dataclass(frozen=True, slots=True)
class GuardrailUnits:
    """What a guardrail went through, by the policies that it has: units of up to 1,000 characters,
    and images. Words and patterns cost nothing."""

    content: int = 0
    content_images: int = 0
    topic: int = 0
    sensitive: int = 0
    grounding: int = 0
    reasoning: int = 0


NO_UNITS: Final = GuardrailUnits()


@dataclass(frozen=True, slots=True)
class GuardrailPrice:
    """USD per 1,000 units, from a day on (UTC)."""

    since: date
    source: str
    content: Decimal
    content_images: Decimal
    topic: Decimal
    sensitive: Decimal
    grounding: Decimal
    reasoning: Decimal

    def cost(self, units: GuardrailUnits) -> Decimal:
        """Exact cost in USD."""
        thousandths = (
            units.content * self.content
            + units.content_images * self.content_images
            + units.topic * self.topic
            + units.sensitive * self.sensitive
            + units.grounding * self.grounding
            + units.reasoning * self.reasoning
        )
        return thousandths.scaleb(-3)
