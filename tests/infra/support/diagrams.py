"""Mermaid's diagrams out of documents, rendered by Mermaid itself in Chromium."""

import base64
import fcntl
import hashlib
import html
import json
import re
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from tests.infra.support.terraform import ROOT

VERSION = "11.17.2"
INTEGRITY = (
    "V6K3C8EBdEsPFZXSKMJe6ppQOENxuHARr9GvHX4hh47lAbhMRD9qf4oEK7LoaRQxULMa80/qt5gHO73aCleBBg=="
)
"""SHA-512 of the package, as npm's lock files write it."""

MEMBER = "package/dist/mermaid.min.js"
FENCE = re.compile(r"^```mermaid\n(.*?)^```", re.MULTILINE | re.DOTALL)
DOCUMENTS = ("*.md", "docs/**/*.md", "infra/**/*.md")

PAGE = """<!doctype html><meta charset="utf-8"><body><script>{library}</script><script>
(async () => {{
  mermaid.initialize({{ startOnLoad: false, securityLevel: 'strict' }});
  const results = [];
  for (const [number, text] of {texts}.entries()) {{
    try {{
      const found = await mermaid.render('diagram' + number, text);
      const box = document.createElement('div');
      box.innerHTML = found.svg;
      document.body.append(box);
      const frame = box.querySelector('svg').getBoundingClientRect();
      const size = {{ width: frame.width, height: frame.height }};
      results.push({{ error: '', ...size, text: box.textContent }});
      box.remove();
    }} catch (error) {{
      results.push({{ error: String(error), width: 0, height: 0, text: '' }});
    }}
  }}
  document.body.innerHTML = '';
  const element = document.createElement('pre');
  element.id = 'results';
  element.textContent = JSON.stringify(results);
  document.body.append(element);
}})();
</script>"""


@dataclass(frozen=True, slots=True)
class Diagram:
    """Where it stands, and its text."""

    place: str
    text: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """What became of it."""

    error: str
    width: float
    height: float
    text: str


def missing() -> str | None:
    """The program that this machine lacks."""
    if shutil.which("npm") is None:
        return "npm"
    return None if browser() else "chromium"


def browser() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


def diagrams() -> list[Diagram]:
    """Every one of the repository's documents."""
    pages = sorted({page for pattern in DOCUMENTS for page in ROOT.glob(pattern)})
    return [
        Diagram(f"{page.relative_to(ROOT)}-{number}", text)
        for page in pages
        for number, text in enumerate(FENCE.findall(page.read_text()), 1)
    ]


def render(texts: list[str], folder: Path) -> list[Rendered]:
    """All in one page of one browser."""
    page = folder / "page.html"
    encoded = json.dumps(texts).replace("<", "\\u003c")
    page.write_text(PAGE.format(library=_library(), texts=encoded))
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    done = subprocess.run(
        [
            str(browser()),
            *options,
            f"--user-data-dir={folder}/profile",
            "--virtual-time-budget=60000",
            "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    found = re.search(r'<pre id="results">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found is not None, done.stderr[-2000:]
    return [Rendered(**one) for one in json.loads(html.unescape(found[1]))]


def _library() -> str:
    """Mermaid for browsers, fetched once and checked."""
    folder = ROOT / ".local" / f"mermaid-{VERSION}"
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / "mermaid.min.js"
    with (folder / "guard").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not script.exists():
            command = ["npm", "pack", f"mermaid@{VERSION}", "--silent", "--pack-destination", "."]
            subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=100)
            package = folder / f"mermaid-{VERSION}.tgz"
            digest = hashlib.sha512(package.read_bytes()).digest()
            assert base64.b64encode(digest).decode() == INTEGRITY
            with tarfile.open(package) as archive:
                member = archive.extractfile(MEMBER)
                assert member is not None
                script.write_bytes(member.read())
            package.unlink()
    return script.read_text().replace("</script", "<\\/script")
