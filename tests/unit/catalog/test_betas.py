"""An operator's rules for beta flags."""

import pytest

from app.catalog.catalog import shipped_models
from app.catalog.overrides import BetaRule, with_beta_rules
from app.formats.anthropic_bedrock import to_bedrock

HAIKU = next(model for model in shipped_models() if model.name == "claude-haiku-4-5")
KNOWN = "fine-grained-tool-streaming-2025-05-14"
TOOLS = "advanced-tool-use-2025-11-20"
SEARCH = "tool-search-tool-2025-10-19"
BODY = {"max_tokens": 1, "messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize(
    ("rules", "asked", "sent"),
    [
        ([], [KNOWN, "new-2031-01-01", TOOLS], [KNOWN, SEARCH]),
        ([BetaRule("*", KNOWN, None)], [KNOWN], []),
        (
            [BetaRule("*", "new-2031-01-01", "new-2031-01-01")],
            ["new-2031-01-01"],
            ["new-2031-01-01"],
        ),
        ([BetaRule("*", "new-2031-01-01", "bedrocks-new")], ["new-2031-01-01"], ["bedrocks-new"]),
        ([BetaRule("*", TOOLS, None)], [TOOLS], []),
        ([BetaRule("*", KNOWN, None), BetaRule(HAIKU.name, KNOWN, KNOWN)], [KNOWN], [KNOWN]),
        ([BetaRule("claude-opus-5-5", KNOWN, None)], [KNOWN], [KNOWN]),
    ],
    ids=["none", "dropped", "added", "renamed", "an alias dropped", "its own first", "another's"],
)
def test_rules_decide_what_is_sent(
    rules: list[BetaRule], asked: list[str], sent: list[str]
) -> None:
    model = with_beta_rules(HAIKU, rules)

    assert to_bedrock(BODY, asked, model).get("anthropic_beta", []) == sent


def test_a_model_that_no_rule_concerns_stays_as_it_is() -> None:
    assert with_beta_rules(HAIKU, [BetaRule("claude-opus-5-5", KNOWN, None)]) is HAIKU
