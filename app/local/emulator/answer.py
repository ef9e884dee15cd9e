"""The parts of an answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from app.core.usage import Usage

StopReason = Literal["end_turn", "max_tokens", "stop_sequence", "tool_use", "compaction"]
GuardrailAction = Literal["INTERVENED", "NONE"]


@dataclass(frozen=True, slots=True)
class Thought:
    """Thinking; when it is not `shown`, its tokens are billed and its text is left out."""

    pieces: Sequence[str]
    signature: str
    shown: bool


@dataclass(frozen=True, slots=True)
class Text:
    pieces: Sequence[str]


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A call; the pieces join to the JSON of its input."""

    pieces: Sequence[str]
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Summary:
    """What stands for the conversation so far, made in a step of its own that read all of it."""

    pieces: Sequence[str]
    prompt: Usage
    """What that step read."""


Block = Summary | Thought | Text | ToolUse


@dataclass(frozen=True, slots=True)
class GuardrailWork:
    """What a guardrail did, and how many units of text it went through, once for each of its two
    policies: content and topics."""

    action: GuardrailAction
    prompt_units: int
    answer_units: int
    traced: bool
    """Whether the answer tells."""

    @property
    def units(self) -> int:
        return self.prompt_units + self.answer_units


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model generates. Every piece is one token."""

    blocks: Sequence[Block]
    stop_reason: StopReason
    stop_sequence: str | None = None
    guardrail: GuardrailWork | None = None
    """None: the call named none."""

    @property
    def summary(self) -> Summary | None:
        """The compaction that went before the answer, if one did."""
        first = self.blocks[0] if self.blocks else None
        return first if isinstance(first, Summary) else None

    @property
    def output_tokens(self) -> int:
        """All that was generated and is billed."""
        return max(1, sum(len(block.pieces) for block in self.blocks))

    @property
    def message_tokens(self) -> int:
        """Output without the summary: what a usage says at its top."""
        return self.output_tokens - (len(self.summary.pieces) if self.summary else 0)


@dataclass(frozen=True, slots=True)
class Envelope:
    """What surrounds an answer."""

    message_id: str
    model: str
    usage: Usage
    """Of the prompt."""


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a stream."""

    event: bytes
    tokens: int
    """Generated since the step before; more than 0 in deltas alone."""
