"""PostgreSQL is away, slow, full, or another one."""

from tests.chaos.checking import each, faults
from tests.chaos.faults import database
from tests.chaos.stories import Ground
from tests.chaos.story import Story


@each(database.STORIES)
async def test_nothing_is_lost_when_the_database_breaks(story: Story, ground: Ground) -> None:
    assert await faults(story, ground) == []
