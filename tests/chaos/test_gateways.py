"""Gateways end, in order or not."""

from tests.chaos.checking import each, faults
from tests.chaos.faults import gateways
from tests.chaos.stories import Ground
from tests.chaos.story import Story


@each(gateways.STORIES)
async def test_nothing_is_lost_when_a_gateway_ends(story: Story, ground: Ground) -> None:
    assert await faults(story, ground) == []
