"""ansible-playbook, as somebody on call would run it."""

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from tests.support.fork_server import ForkServer
from tests.support.processes import ROOT

QUICK = "tests.ops.playbooks.quick_ansible"
PLAYBOOKS = ROOT / "ops" / "playbooks"
RECAP = re.compile(r"^localhost +: (.+)$", re.MULTILINE)


def settings(home: Path) -> dict[str, str]:
    """Nothing of the tester's; Ansible reads some of these at its import."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_HOME": str(home / ".ansible"),
        "ANSIBLE_LOCALHOST_WARNING": "False",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "False",
        "ANSIBLE_CALLBACKS_ENABLED": "ansible.builtin.junit",
    }


@dataclass(frozen=True, slots=True)
class Played:
    """How a run ended."""

    code: int
    said: str
    counts: dict[str, int]
    tests: ET.Element

    @property
    def changed(self) -> int:
        return self.counts["changed"]


@dataclass(frozen=True, slots=True)
class Ansible:
    """Runs playbooks in an environment that holds what is given, and nothing of the tester's."""

    folder: Path
    environment: dict[str, str]
    forks: ForkServer

    def play(self, name: str, *options: str, really: bool = False, **values: str) -> Played:
        """`values` are extra variables. `really` runs the program that people run; else it is
        `quick_ansible`."""
        number = len(list(self.folder.glob("junit-*")))
        reports, log = self.folder / f"junit-{number}", self.folder / f"play-{number}.log"
        arguments = [
            f"ops/playbooks/{name}.yml",
            "-e",
            json.dumps({"env": "poc", **values}),
            *options,
        ]
        environment = {
            **settings(self.folder / "ansible"),
            "JUNIT_OUTPUT_DIR": str(reports),
            **self.environment,
        }
        with log.open("wb") as file:
            if really:
                code = subprocess.run(
                    [f"{Path(sys.executable).parent}/ansible-playbook", *arguments],
                    cwd=ROOT,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=file,
                    check=False,
                ).returncode
            else:
                code = self.forks.start(
                    QUICK,
                    arguments,
                    environment=environment,
                    directory=ROOT,
                    descriptors=[file.fileno()] * 2,
                ).wait()
        said = log.read_text()
        recap = RECAP.search(said)
        assert recap, said
        counts = dict(pair.split("=") for pair in recap[1].split())
        (report,) = reports.glob("*.xml")
        return Played(
            code,
            said,
            {key: int(count) for key, count in counts.items()},
            ET.parse(report).getroot(),
        )
