"""Memory of the task, and how much of it is free."""

import sys
from pathlib import Path

for line in Path("/proc/meminfo").read_text().splitlines():
    if line.startswith(("MemTotal:", "MemAvailable:", "SwapFree:")):
        sys.stdout.write(f"{line}\n")
