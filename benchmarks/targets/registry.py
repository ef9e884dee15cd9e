"""All targets by name."""

from collections.abc import Mapping
from typing import Final

from benchmarks.targets.claude_gateway import claude_gateway
from benchmarks.targets.direct import nginx
from benchmarks.targets.gateway import gateway
from benchmarks.targets.litellm import litellm, litellm_with_database
from benchmarks.targets.portkey import portkey
from benchmarks.targets.relay import relay
from benchmarks.targets.target import Starter

TARGETS: Final[Mapping[str, Starter]] = {
    "relay": relay,
    "gateway": gateway,
    "nginx": nginx,
    "portkey": portkey,
    "claude-gateway": claude_gateway,
    "litellm": litellm,
    "litellm-db": litellm_with_database,
}
OURS: Final = ("relay", "gateway")
