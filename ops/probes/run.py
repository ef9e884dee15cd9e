"""Run a command and tell how it ended: the first argument marks the line that does."""

import subprocess
import sys

try:
    code = subprocess.run(sys.argv[2:], check=False).returncode  # noqa: S603 - that is the point
except OSError as error:
    sys.stdout.write(f"{error}\n")
    code = 127
sys.stdout.write(f"\n{sys.argv[1]}{code}\n")
