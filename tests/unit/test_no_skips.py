"""Where nothing may be skipped, a skip is a failure, wherever it is said."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTEST = ("-m", "pytest", "-p", "tests.conftest", "-c", os.devnull)
CASES = {
    "by a mark": "import pytest\n@pytest.mark.skip(reason='why')\ndef test(): pass",
    "in the test": "import pytest\ndef test(): pytest.skip('why')",
    "of the module": "import pytest\npytest.skip('why', allow_module_level=True)",
    "none": "import pytest\n@pytest.mark.xfail(strict=True)\ndef test(): assert False",
}


@pytest.mark.parametrize("case", CASES)
def test_a_skip_fails_where_none_is_allowed(case: str, tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(CASES[case])
    done = subprocess.run(
        [sys.executable, *PYTEST, "--rootdir", str(tmp_path), str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={
            **os.environ,
            "STARGATE_NO_SKIPS": "1",
            "PYTEST_ADDOPTS": "",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # none is needed, and some take seconds
        },
    )
    failed = case != "none"
    assert done.returncode == (2 if case == "of the module" else int(failed)), done.stdout
    assert ("was to be skipped" in done.stdout and "why" in done.stdout) == failed
