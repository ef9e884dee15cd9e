"""ansible-playbook, as somebody on call would run it."""

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from tests.support.processes import ROOT

PLAYBOOKS = ROOT / "ops" / "playbooks"
RECAP = re.compile(r"^localhost +: (.+)$", re.MULTILINE)


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

    def play(self, name: str, *options: str, **values: str) -> Played:
        """`values` are extra variables."""
        reports = self.folder / f"junit-{len(list(self.folder.glob('junit-*')))}"
        command = [f"{Path(sys.executable).parent}/ansible-playbook", f"ops/playbooks/{name}.yml"]
        done = subprocess.run(
            [*command, "-e", json.dumps({"env": "poc", **values}), *options],
            cwd=ROOT,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.folder),
                "LC_ALL": "C.UTF-8",
                "ANSIBLE_HOME": str(self.folder / "ansible"),
                "ANSIBLE_LOCALHOST_WARNING": "False",
                "ANSIBLE_INVENTORY_UNPARSED_WARNING": "False",
                "ANSIBLE_CALLBACKS_ENABLED": "ansible.builtin.junit",
                "JUNIT_OUTPUT_DIR": str(reports),
                **self.environment,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        said = done.stdout + done.stderr
        recap = RECAP.search(done.stdout)
        assert recap, said
        counts = dict(pair.split("=") for pair in recap[1].split())
        (report,) = reports.glob("*.xml")
        return Played(
            done.returncode,
            said,
            {key: int(count) for key, count in counts.items()},
            ET.parse(report).getroot(),
        )
