"""Two versions of the gateway serve at once."""

import re

from app.database.migrate import migrations
from tests.chaos.checking import each, faults
from tests.chaos.faults import deployment
from tests.chaos.stories import Ground
from tests.chaos.story import Story

FIRST = "0001"
"""Later migrations meet gateways of the version before them."""

STRICT = re.compile(r"ALTER TABLE spend_log\b[^;]*ADD COLUMN[^;,]*NOT NULL", re.IGNORECASE)


@each(deployment.STORIES)
async def test_nothing_is_lost_in_a_rolling_deployment(story: Story, ground: Ground) -> None:
    assert await faults(story, ground) == []


def test_a_new_column_of_the_spend_log_may_be_null() -> None:
    later = [one for one in migrations() if not one.is_function and one.name[:4] > FIRST]

    assert [one.name for one in later if STRICT.search(one.sql)] == []
    assert STRICT.search("ALTER TABLE spend_log ADD COLUMN a int, ADD COLUMN b int NOT NULL;")
