"""No secret is in the repository, nor in its history."""

import os
import subprocess
import sysconfig
from pathlib import Path

import pytest

from tests.workflows.support.files import GITHUB, ROOT

GITLEAKS = Path(sysconfig.get_path("scripts"), "gitleaks")
RSA = "RSA PRIVATE" + " KEY-----"  # in two parts, as all of these, so that this file is clean
PLANTED = {
    "key of AWS": "key = 'AKIA" + "Q3EGR7XJ2KZB5TPL'",
    "token of GitHub": "token = 'ghp_" + "wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx'",
    "private key": f"-----BEGIN {RSA}\n{'MIIEpAIBAAKCAQEA' * 8}\n-----END {RSA}",
    "key of the gateway": "api_key = 'sk-" + "9Zx4mWq7Lr2Tn8Vb5Kc1Hd'",
}


if not GITLEAKS.exists():
    pytest.skip("gitleaks has no package for this platform", allow_module_level=True)


def gitleaks(*arguments: str) -> "subprocess.CompletedProcess[str]":
    options = ["--no-banner", "--no-color", "--redact", "--verbose"]
    return subprocess.run(
        [GITLEAKS, *arguments, *options, f"--config={GITHUB}/gitleaks.toml"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("where", ["dir", "git"])
def test_nothing_that_is_or_was_here_is_a_secret(where: str) -> None:
    done = gitleaks(where, ".")

    assert done.returncode == 0, done.stdout
    assert "no leaks found" in done.stderr


@pytest.mark.parametrize("kind", PLANTED)
def test_a_secret_would_be_found_and_is_not_shown(tmp_path: Path, kind: str) -> None:
    (tmp_path / "settings.py").write_text(f"{PLANTED[kind]}\n")

    done = gitleaks("dir", str(tmp_path))

    assert done.returncode == 1
    assert "REDACTED" in done.stdout
    assert PLANTED[kind][-12:] not in done.stdout
