"""RDS restoring a database: the copy is one on the same real server, its states take time."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import psycopg

from ops.names import Names
from tests.ops.support.clock import FakeClock
from tests.ops.support.fake_client import Refusal
from tests.ops.support.fake_rds import FakeRds
from tests.ops.support.tasks import OneOffs
from tests.support.instance import Instance

NAMES = Names("stargate", "poc")
HOST = "stargate-poc-drill.abc.us-west-1.rds.amazonaws.com"
DATABASE = "drill"
ROW = """
INSERT INTO spend_log (request_id, started_at, finished_at, key_id, api_format, model,
                       upstream_model, input_tokens, output_tokens, cache_read_tokens,
                       cache_write_5m_tokens, cache_write_1h_tokens, cost, estimated, ending,
                       status, stream)
VALUES (%s, %s, %s, 'key', 'anthropic', 'claude-haiku-4-5', 'haiku', 10, 10, 0, 0, 0, 0.0000123,
        false, 'completed', 200, false)
"""


class Drill(FakeRds):
    """One database, and at times its copy. Not proved: what AWS restores, and how long it takes."""

    def __init__(self, instance: Instance, one_offs: OneOffs, clock: FakeClock) -> None:
        super().__init__()
        self.instance = instance
        self.one_offs = one_offs
        self.states = ["creating", "creating", "backing-up", "modifying", "available"]
        self.copy: list[str] | None = None
        self.after_restore = ""
        one_offs.databases[HOST] = DATABASE
        clock.on_tick(self._pass)

    def describe_db_instances(self, DBInstanceIdentifier: str) -> Mapping[str, Any]:
        found: dict[str, Any] = {
            **super().describe_db_instances(DBInstanceIdentifier)["DBInstances"][0],
            "DBSubnetGroup": {"DBSubnetGroupName": NAMES.prefix},
            "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-database", "Status": "active"}],
        }
        if DBInstanceIdentifier == NAMES.drill:
            if self.copy is None:
                raise Refusal("DBInstanceNotFound", "DBInstance stargate-poc-drill not found.")
            found["DBInstanceStatus"] = self.copy[0]
            if self.copy[0] == "available":
                found["Endpoint"] = {"Address": HOST, "Port": 5432}
        return {"DBInstances": [found]}

    def restore_db_instance_to_point_in_time(self, **asked: Any) -> Mapping[str, Any]:
        assert asked["SourceDBInstanceIdentifier"] == NAMES.database
        assert asked["TargetDBInstanceIdentifier"] == NAMES.drill
        self.copy = list(self.states)
        self._copied()
        return {"DBInstance": {"DBInstanceIdentifier": NAMES.drill}}

    def delete_db_instance(self, DBInstanceIdentifier: str, **_: Any) -> Mapping[str, Any]:
        assert DBInstanceIdentifier == NAMES.drill, "the real one was to be deleted"
        assert self.copy is not None
        assert self.copy[0] != "creating", "RDS does not delete what it still creates"
        self.copy = ["deleting", "gone"]
        return {"DBInstance": {"DBInstanceIdentifier": NAMES.drill}}

    def clean_up(self) -> None:
        self.instance.keep(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")

    def _copied(self) -> None:
        self.clean_up()
        self.instance.keep(f"CREATE DATABASE {DATABASE} TEMPLATE gateway OWNER gateway")
        if self.after_restore:
            self.instance.keep(self.after_restore, DATABASE)

    def _pass(self) -> None:
        if self.copy and len(self.copy) > 1:
            self.copy.pop(0)
        if self.copy == ["gone"]:
            self.copy = None


def booked(instance: Instance, password: str, at: datetime, count: int) -> None:
    """So many requests of that moment."""
    with psycopg.connect(instance.url("gateway", password), autocommit=True) as connection:
        for number in range(count):
            connection.execute(ROW, (f"{at:%d%H%M}-{number}", at, at))
