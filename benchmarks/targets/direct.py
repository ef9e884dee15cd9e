"""The stub itself, asked by the load generator: what "added" is counted from. And the stub behind
nginx, which does nothing but pass on: the limit of what a gateway could be."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from string import Template

import httpx

from app.local.ports import free_port
from benchmarks.processes import ROOT, DidNotStart, answers, started
from benchmarks.stub import CONTROL
from benchmarks.stub_answers import Pace
from benchmarks.targets.target import BEDROCK_PATHS, Place, Running, local, port_of

NGINX = Template("""\
daemon off;
worker_processes $workers;
pid $folder/nginx.pid;
error_log $folder/nginx.log warn;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 10000000;
  client_max_body_size 32m;
  client_body_buffer_size 4m;
  client_body_temp_path $folder;
  proxy_temp_path $folder;
  fastcgi_temp_path $folder;
  uwsgi_temp_path $folder;
  scgi_temp_path $folder;
  upstream bedrock { server $bedrock; keepalive 256; }
  server {
    listen 127.0.0.1:$port backlog=2048;
    location / {
      proxy_pass http://bedrock;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }
  }
}
""")


@dataclass(frozen=True, slots=True)
class StubProcess:
    """A running stub."""

    url: str
    pid: int

    def set(self, pace: Pace) -> None:
        httpx.post(f"{self.url}{CONTROL}", json=asdict(pace), trust_env=False).raise_for_status()

    def as_target(self) -> Running:
        return Running(
            "direct", [local(port_of(self.url))], [self.pid], BEDROCK_PATHS, raw_frames=True
        )


@contextmanager
def stub_process() -> Iterator[StubProcess]:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.stub"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line:
            raise DidNotStart("The stub ended before it listened.")
        yield StubProcess(line.split()[-1], process.pid)
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


@contextmanager
def nginx(place: Place) -> Iterator[Running]:
    program = shutil.which("nginx")
    if program is None:
        raise DidNotStart("nginx is not installed (Debian, Ubuntu: apt-get install nginx-light)")
    port = free_port()
    settings = place.folder / "nginx.conf"
    settings.write_text(
        NGINX.substitute(
            folder=place.folder,
            port=port,
            bedrock=place.bedrock.removeprefix("http://"),
            workers=place.workers,
        )
    )
    since = time.monotonic()
    with started(
        "nginx",
        [program, "-c", str(settings), "-p", str(place.folder)],
        log=place.folder / "nginx.out",
        ready=answers(port, CONTROL),
    ) as process:
        yield Running(
            "nginx",
            [local(port)],
            [process.pid],
            BEDROCK_PATHS,
            raw_frames=True,
            start_seconds=time.monotonic() - since,
        )
