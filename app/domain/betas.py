"""An operator's word on beta flags, over the catalogue's."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from app.domain.models import Model

EVERY_MODEL = "*"


@dataclass(frozen=True, slots=True)
class BetaRule:
    """What becomes of a flag that a client sends.

    `model` is a public name, or `*` for every model; the rule of a model's own goes before that.
    `sent_as` is the flag that Bedrock gets: the same one, or its own name for it; None for none.
    """

    model: str
    beta: str
    sent_as: str | None


def with_beta_rules(model: Model, rules: Iterable[BetaRule]) -> Model:
    """The model as the rules have it; the same object where none concerns it."""
    mine = {rule.beta: rule for rule in rules if rule.model == EVERY_MODEL}
    mine |= {rule.beta: rule for rule in rules if rule.model == model.name}
    if not mine:
        return model
    able = model.capabilities
    aliases = {beta: sent for beta, sent in able.beta_aliases if beta not in mine}
    aliases |= {r.beta: r.sent_as for r in mine.values() if r.sent_as not in (None, r.beta)}
    kept = [beta for beta in able.betas if beta not in mine]
    sent = [rule.sent_as for rule in mine.values() if rule.sent_as is not None]
    return replace(
        model,
        capabilities=replace(
            able,
            betas=tuple(dict.fromkeys([*kept, *sent])),
            beta_aliases=tuple((beta, str(sent)) for beta, sent in aliases.items()),
        ),
    )
