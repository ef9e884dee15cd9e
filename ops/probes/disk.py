"""How full the places are that the gateway writes to, and what waits in the spool."""

import os
import shutil
import sys
from pathlib import Path

for place in ("/", "/tmp", "/var/lib/gateway"):  # noqa: S108 - a volume of the task
    if os.path.isdir(place):
        use = shutil.disk_usage(place)
        sys.stdout.write(f"{place:20} {use.used >> 20:>8} of {use.total >> 20:>8} MiB used\n")
spool = Path(os.environ.get("GATEWAY_SPOOL_DIR", "/var/lib/gateway/spool"))
files = [one for one in spool.rglob("*") if one.is_file()] if spool.is_dir() else []
size = sum(one.stat().st_size for one in files)
sys.stdout.write(f"spool: {len(files)} files, {size} bytes\n")
