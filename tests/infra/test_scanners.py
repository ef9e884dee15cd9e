"""checkov and trivy find nothing that is not answered, with its reason, where it stands."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.infra.support import scanners
from tests.infra.support.terraform import ROOT

pytestmark = pytest.mark.timeout(scanners.INSTALL_SECONDS + 120)
INFRA = ROOT / "infra" / "terraform"
SKIP = re.compile(
    r"#\s*(checkov:skip|trivy:ignore|tfsec:ignore)([=:])(\S+?)(?:[: ](.*))?$", re.MULTILINE
)


@pytest.mark.lint
def test_checkov_finds_nothing(tmp_path: Path) -> None:
    command = [str(scanners.installed() / "checkov"), f"--directory={INFRA}"]
    options = [
        "--framework=terraform",
        "--quiet",
        "--compact",
        "--skip-download",
        "--output",
        "json",
    ]
    done = subprocess.run(
        [*command, *options],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LOG_LEVEL": "ERROR"},
        capture_output=True,
        text=True,
        check=False,
    )
    found = json.loads(done.stdout)

    failed = found["results"]["failed_checks"]
    assert [(one["check_id"], one["resource"], one["file_path"]) for one in failed] == []
    assert found["summary"]["passed"] > 500
    assert found["summary"]["parsing_errors"] == 0
    assert done.returncode == 0


@pytest.mark.lint
@pytest.mark.skipif(sys.platform != "linux", reason="trivy's package is for Linux")
def test_trivy_finds_nothing_either(tmp_path: Path) -> None:
    command = [str(scanners.installed() / "trivy"), "config", "--skip-check-update", "--quiet"]
    done = subprocess.run(
        [*command, "--exit-code=1", "--format=json", f"--cache-dir={tmp_path}", str(INFRA)],
        capture_output=True,
        text=True,
        check=False,
    )
    results = json.loads(done.stdout)["Results"]
    found = [
        (one["ID"], result["Target"])
        for result in results
        for one in result.get("Misconfigurations", [])
    ]

    assert found == []
    assert len(results) >= 15
    assert done.returncode == 0


def test_every_exception_has_a_reason() -> None:
    exceptions = 0
    for path in INFRA.glob("**/*.tf"):
        for kind, separator, check, reason in SKIP.findall(path.read_text()):
            assert separator in "=:", path
            assert len(reason) > 20, (path, kind, check)
            exceptions += 1
    assert exceptions > 20


def test_there_is_no_list_of_exceptions_elsewhere() -> None:
    names = (".checkov.yaml", ".checkov.yml", ".trivyignore", ".trivyignore.yaml", "trivy.yaml")
    folders = (ROOT, *INFRA.glob("**/"))

    assert [folder / name for name in names for folder in folders if (folder / name).exists()] == []
