"""What a change makes necessary: plans and images, and no others."""

import re
import subprocess
from pathlib import Path

import pytest

from ops.context import ENVIRONMENTS
from ops.plan import touched

ROOT = Path(__file__).parents[3]
COPIED = re.compile(r"^COPY (?!--from)(\S+) ", re.MULTILINE)
LEAVES_ITS_FOLDER = re.compile(r"\$\{path\.module\}/((?:\.\./)+[^\"$]+)")


@pytest.mark.parametrize(
    ("path", "environments", "images"),
    [
        ("infra/terraform/environments/poc/main.tf", ["poc"], []),
        ("infra/terraform/environments/prod/gateway.json", ["prod"], []),
        ("infra/terraform/modules/edge/main.tf", ["poc", "prod"], []),
        ("infra/terraform/modules/edge/README.md", [], []),
        ("infra/terraform/bootstrap/roles.tf", [], []),
        ("infra/observability/vmalert/alerts.yml", ["poc", "prod"], []),
        ("app/catalog/models.json", ["poc", "prod"], ["gateway"]),
        ("app/main.py", [], ["gateway"]),
        ("app/local/stack.py", [], []),
        ("requirements/gateway.lock", [], ["gateway"]),
        ("requirements/dev.lock", [], []),
        ("infra/grafana/dashboards/llm-usage.json", [], ["grafana"]),
        ("infra/grafana/source/panels.py", [], []),
        ("docs/architecture.md", [], []),
        ("README.md", [], []),
    ],
)
def test_a_path_touches_what_is_made_from_it(
    path: str, environments: list[str], images: list[str]
) -> None:
    assert touched.environments([path]) == environments
    assert touched.images([path]) == images


def test_the_environments_are_those_of_ops_and_of_terraform() -> None:
    folders = sorted(path.name for path in (ROOT / "infra/terraform/environments").iterdir())

    assert sorted(touched.ENVIRONMENTS) == sorted(ENVIRONMENTS) == folders


@pytest.mark.parametrize(
    ("image", "dockerfile", "context"),
    [("gateway", "app/Dockerfile", ""), ("grafana", "infra/grafana/Dockerfile", "infra/grafana/")],
)
def test_everything_that_an_image_is_built_from_touches_it(
    image: str, dockerfile: str, context: str
) -> None:
    sources = COPIED.findall((ROOT / dockerfile).read_text())

    assert sources
    for source in [dockerfile, *(f"{context}{one}" for one in sources)]:
        place = f"{source}/file" if (ROOT / source).is_dir() else source
        assert image in touched.images([place]), source


def test_everything_that_terraform_reads_elsewhere_touches_both_environments() -> None:
    found = 0
    for path in (ROOT / "infra/terraform/modules").glob("*/*.tf"):
        for reference in LEAVES_ITS_FOLDER.findall(path.read_text()):
            place = (path.parent / reference).resolve().relative_to(ROOT)
            text = f"{place}/file" if (ROOT / place).is_dir() else str(place)
            assert touched.environments([text]) == ["poc", "prod"], text
            found += 1
    assert found >= 2


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    git("init", "--quiet", "--initial-branch=main")
    return tmp_path


def git(*arguments: str) -> str:
    author = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    done = subprocess.run(
        ["git", *author, *arguments], check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout.strip()


def commit(root: Path, *names: str) -> str:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    git("add", "--all")
    git("commit", "--quiet", "--message=change")
    return git("rev-parse", "HEAD")


def test_it_compares_with_where_the_branch_began_and_not_with_where_main_is_now(
    repository: Path,
) -> None:
    begun = commit(repository, "README.md")
    moved_on = commit(repository, "infra/terraform/environments/prod/main.tf")
    git("checkout", "--quiet", "-b", "change", begun)
    head = commit(repository, "infra/terraform/environments/poc/main.tf")

    assert touched.main([moved_on, head]) == 'environments=["poc"]\nimages=[]\n'


def test_a_file_that_is_gone_or_oddly_named_counts(repository: Path) -> None:
    name = 'app/odd "name"\n.py'
    base = commit(repository, name)
    (repository / name).unlink()
    head = commit(repository, "x")

    assert 'images=["gateway"]' in touched.main([base, head])


def test_with_nothing_to_compare_everything_counts(repository: Path) -> None:
    head = commit(repository, "app/main.py", "infra/terraform/modules/edge/main.tf")

    assert touched.main([touched.NOTHING_BEFORE, head]) == (
        'environments=["poc", "prod"]\nimages=["gateway"]\n'
    )


@pytest.mark.parametrize(
    "arguments", [[], ["a" * 40], ["main", "a" * 40], ["--output=x", "a" * 40], ["a" * 40] * 3]
)
def test_what_is_no_commit_reaches_no_git(arguments: list[str]) -> None:
    with pytest.raises(SystemExit, match="usage"):
        touched.main(arguments)
