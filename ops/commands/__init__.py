"""The commands, by the words that name them."""

import argparse
from collections.abc import Mapping
from typing import Final, Protocol

from ops.commands import cost, drift, plan_check, plan_comment
from ops.commands.ecs import deploy, exec, logs, restart, rollback, scale  # noqa: A004 - a command's name
from ops.commands.ecs import status as ecs_status
from ops.commands.gateway import health, keys, ledger, smoke, spend
from ops.commands.nat import recover
from ops.commands.nat import status as nat_status
from ops.commands.rds import restore_drill
from ops.commands.rds import status as rds_status
from ops.commands.secrets import rotate_database_password, rotate_master_key
from ops.context import Context
from ops.result import Result


class Command(Protocol):
    """A module: it prints nothing, and never exits."""

    HELP: str

    def arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, context: Context, args: argparse.Namespace) -> Result: ...


GROUPS: Final = {
    "ecs": "services and their tasks",
    "rds": "the database",
    "nat": "the NAT instance",
    "gateway": "the gateway, by HTTP",
    "secrets": "keys and passwords",
}
COMMANDS: Final[Mapping[str, Command]] = {
    "ecs status": ecs_status,
    "ecs restart": restart,
    "ecs scale": scale,
    "ecs logs": logs,
    "ecs exec": exec,
    "ecs deploy": deploy,
    "ecs rollback": rollback,
    "rds status": rds_status,
    "rds restore-drill": restore_drill,
    "nat status": nat_status,
    "nat recover": recover,
    "gateway health": health,
    "gateway smoke": smoke,
    "gateway spend": spend,
    "gateway keys": keys,
    "gateway ledger": ledger,
    "secrets rotate-master-key": rotate_master_key,
    "secrets rotate-database-password": rotate_database_password,
    "cost": cost,
    "drift": drift,
    "plan-check": plan_check,
    "plan-comment": plan_comment,
}
