"""What stands around the gateway breaks."""

from tests.chaos.checking import each, faults
from tests.chaos.faults import around
from tests.chaos.stories import Ground
from tests.chaos.story import Story


@each(around.STORIES)
async def test_nothing_is_lost_when_what_is_around_breaks(story: Story, ground: Ground) -> None:
    assert await faults(story, ground) == []
