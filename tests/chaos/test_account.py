"""The check of the account can fail: what it is to find is found."""

from pathlib import Path
from random import Random

from tests.chaos.account import audit
from tests.chaos.stories import Ground
from tests.chaos.story import SHORT, Place
from tests.chaos.world import world

TAMPERED = (
    ("spend_log SET cost = cost {} 1", "Bedrock bills"),
    ("budget_counter SET spent = spent {} 1", "is in the log"),
    ("budget_counter SET reserved = reserved {} 1", "held: "),
    ("rate_limit_bucket SET in_flight = in_flight {} 1", "in_flight: "),
)


async def test_what_is_lost_counted_twice_or_left_is_found(ground: Ground, tmp_path: Path) -> None:
    database = ground.server.new_database()
    place = Place(ground.server, ground.emulator, database, tmp_path, SHORT, Random(1))
    async with world(place) as w:
        async with w.under_load():
            pass
        assert (await w.report()).account.faults == ()
        truth = w.emulator.usage()

        for change, said in TAMPERED:
            w.queries.execute(f"UPDATE {change.format('+')}")
            assert any(said in fault for fault in audit(w.queries, truth).faults)
            w.queries.execute(f"UPDATE {change.format('-')}")

        lost = {"request_id": "unheard-of"}
        assert "Bedrock bills" in audit(w.queries, [*truth, truth[0] | lost]).faults[0]
        assert any("knows nothing" in fault for fault in audit(w.queries, truth[1:]).faults)
        w.queries.execute("UPDATE spend_log SET upstream_request_id = 'the-same'")
        assert "booked" in audit(w.queries, truth).faults[0]
