"""What a key or a user may use: models, money, speed."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from app.domain.budgets import UNLIMITED, Budget
from app.domain.limits import NO_LIMITS, Limits


@dataclass(frozen=True, slots=True)
class Allowance:
    """No model list, no budget and no limit means all that there is. Budgets and limits by model
    are named by the model's public name, and come on top of the others."""

    models: tuple[str, ...] = ()
    budget: Budget = UNLIMITED
    limits: Limits = NO_LIMITS
    model_budgets: Mapping[str, Budget] = field(default_factory=dict)
    model_limits: Mapping[str, Limits] = field(default_factory=dict)

    def over(self, template: "Allowance") -> "Allowance":
        """This one, with the template's word on all that this one is silent about."""
        own, other = self.budget, template.budget
        capped = other if own.max is None else own
        return Allowance(
            models=self.models or template.models,
            budget=replace(
                own,
                max=capped.max,
                duration=capped.duration if own.duration is None else own.duration,
                soft=other.soft if own.soft is None else own.soft,
            ),
            limits=Limits(
                rpm=_first(self.limits.rpm, template.limits.rpm),
                tpm=_first(self.limits.tpm, template.limits.tpm),
                parallel=_first(self.limits.parallel, template.limits.parallel),
            ),
            model_budgets={**template.model_budgets, **self.model_budgets},
            model_limits={**template.model_limits, **self.model_limits},
        )


EVERYTHING = Allowance()


def _first(own: int | None, template: int | None) -> int | None:
    return template if own is None else own
