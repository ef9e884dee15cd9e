"""Beta rules in PostgreSQL."""

from collections.abc import Sequence
from typing import LiteralString

from psycopg.rows import class_row, scalar_row

from app.domain.betas import BetaRule
from app.store.database import Database

RULES: LiteralString = "SELECT model, beta, sent_as FROM beta_rule ORDER BY model, beta"

SET_RULE: LiteralString = """
INSERT INTO beta_rule (model, beta, sent_as) VALUES (%(model)s, %(beta)s, %(sent_as)s)
ON CONFLICT (model, beta) DO UPDATE SET sent_as = excluded.sent_as
"""

DROP_RULE: LiteralString = """
DELETE FROM beta_rule WHERE model = %(model)s AND beta = %(beta)s RETURNING beta
"""


class PostgresBetaRules:
    """Implements the port BetaRules."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def beta_rules(self) -> Sequence[BetaRule]:
        return await self._database.rows(RULES, {}, class_row(BetaRule))

    async def set_beta_rule(self, rule: BetaRule) -> None:
        await self._database.execute(
            SET_RULE, {"model": rule.model, "beta": rule.beta, "sent_as": rule.sent_as}
        )

    async def drop_beta_rule(self, model: str, beta: str) -> bool:
        found = await self._database.rows(DROP_RULE, {"model": model, "beta": beta}, scalar_row)
        return bool(found)
