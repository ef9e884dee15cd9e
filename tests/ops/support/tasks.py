"""What ECS would run: the gateway as a process, and one-off tasks as real psql.

There is one process for all tasks of the gateway, at one address, which is replaced at once. Not
proved: that a load balancer changes from old tasks to new ones without a gap.
"""

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.instance import PROGRAMS, Instance
from tests.support.processes import GatewayProcess, gateway_process


class GatewayTask:
    """The gateway that ECS replaces at each deployment; always at the same two addresses."""

    def __init__(
        self,
        running: ExitStack,
        folder: Path,
        addresses: tuple[str, str],
        settings: Callable[[], Mapping[str, str]],
    ) -> None:
        """`addresses` are those of the database and of Bedrock; `settings` are read at each start,
        as a task reads its secrets."""
        self._running = running
        self._folder = folder
        self._addresses = addresses
        self.settings = settings
        self.process = self._start("0", "0")

    def _start(self, public: str, internal: str) -> GatewayProcess:
        ports = {"GATEWAY_PUBLIC_PORT": public, "GATEWAY_INTERNAL_PORT": internal}
        return self._running.enter_context(
            gateway_process(*self._addresses, self._folder, {**self.settings(), **ports})
        )

    def replace(self, service: str = "gateway") -> None:
        assert service == "gateway"
        before = self.process
        before.kill()
        ports = [url.rpartition(":")[2] for url in (before.public_url, before.internal_url)]
        self.process = self._start(*ports)


@dataclass
class OneOffs:
    """The task database-setup, run against an instance with the password that the secret holds."""

    instance: Instance
    password: Callable[[], str]
    written: Callable[[str, Sequence[str]], None]
    """Gets what a task wrote, by its id."""
    databases: dict[str, str] = field(default_factory=dict)
    """By the host that they would be at: those that were restored."""
    fails: list[int] = field(default_factory=list)
    """Exit codes of the next tasks, which then do nothing."""

    def run(self, task: str, container: Mapping[str, Any]) -> int:
        if self.fails and (code := self.fails.pop(0)):
            return code
        assert container["name"] == "database-setup"
        if "command" not in container:
            return self.instance.set_up(GATEWAY_PASSWORD=self.password()).returncode
        given = {one["name"]: one["value"] for one in container["environment"]}
        environment = {
            "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
            "PGDATABASE": "gateway",
            "GATEWAY_PASSWORD": self.password(),
            **given,
            # Names of hosts are AWS's; here one server has all databases.
            "PGHOST": self.instance.host,
            "PGPORT": str(self.instance.port),
        }
        if "PGHOST" in given:
            environment["PGDATABASE"] = self.databases[given["PGHOST"]]
        done = subprocess.run(
            container["command"], env=environment, capture_output=True, text=True, check=False
        )
        self.written(task, (done.stdout + done.stderr).splitlines())
        return done.returncode
