"""CloudFront's function and the edge listener in nginx, in front of a real gateway."""

import http.client
import json
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from app.local.ports import free_port
from tests.infra.support.deployment import Deployment, Resource

MODULE = Path("/usr/lib/nginx/modules/ngx_http_js_module.so")
START_SECONDS = 60

CONFIG = """
load_module {module};
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off;
  js_path {folder};
  js_import cloudfront from cloudfront.js;
  js_import listener from listener.js;
  js_var $target '';
  merge_slashes off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{cloudfront};
    location / {{ js_content cloudfront.request; }}
    location @origin {{ proxy_pass http://127.0.0.1:{listener}$target; }}
  }}
  server {{
    listen 127.0.0.1:{listener};
    location / {{ js_content listener.request; }}
    location @gateway {{ proxy_pass http://{gateway}$request_uri; }}
    location @grafana {{ return 200 'grafana'; }}
  }}
}}
"""

CLOUDFRONT = """
function request(r) {
  const headers = {};
  for (const name in r.headersIn) {
    headers[name.toLowerCase()] = { value: r.headersIn[name] };
  }
  const parts = r.variables.request_uri.split('?');
  const answer = handler({
    version: '1.0',
    context: { eventType: 'viewer-request' },
    viewer: { ip: r.remoteAddress },
    request: { method: r.method, uri: parts[0], querystring: {}, headers: headers, cookies: {} },
  });
  if (answer.statusCode) {
    for (const name in answer.headers) {
      r.headersOut[name] = answer.headers[name].value;
    }
    r.return(answer.statusCode, answer.body ? answer.body.data : '');
    return;
  }
  r.variables.target = [answer.uri].concat(parts.slice(1)).join('?');
  r.internalRedirect('@origin');
}
export default { request };
"""

LISTENER = """
const RULES = %s;
const REFUSAL = %s;
function fits(pattern, path) {
  return pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern;
}
function request(r) {
  const path = r.variables.request_uri.split('?')[0];
  for (const pattern in RULES) {
    if (fits(pattern, path)) {
      if (RULES[pattern] === '') {
        break;
      }
      r.internalRedirect('@' + RULES[pattern]);
      return;
    }
  }
  r.headersOut['content-type'] = 'application/json';
  r.return(403, REFUSAL);
}
export default { request };
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client sees."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Layers:
    """Addresses: everything in a row, the listener with what is behind it, the gateway alone."""

    cloudfront: str
    listener: str
    gateway: str


def available() -> bool:
    return shutil.which("nginx") is not None and MODULE.exists()


@contextmanager
def in_front_of(gateway_url: str, deployment: Deployment, folder: Path) -> Iterator[Layers]:
    """Both layers as the plan describes them."""
    cloudfront, listener = free_port(), free_port()
    code = deployment.only("aws_cloudfront_function")["code"]
    (folder / "cloudfront.js").write_text(code + CLOUDFRONT)
    (folder / "listener.js").write_text(_listener(deployment))
    (folder / "nginx.conf").write_text(
        CONFIG.format(
            module=MODULE,
            folder=folder,
            cloudfront=cloudfront,
            listener=listener,
            gateway=urlsplit(gateway_url).netloc,
        )
    )
    process = subprocess.Popen(["nginx", "-p", folder, "-c", "nginx.conf", "-e", "error.log"])
    layers = Layers(f"127.0.0.1:{cloudfront}", f"127.0.0.1:{listener}", _netloc(gateway_url))
    try:
        _await_listening(layers.cloudfront, process, folder)
        yield layers
    finally:
        process.terminate()
        process.wait(60)


def _netloc(url: str) -> str:
    return urlsplit(url).netloc


def rules_of(deployment: Deployment) -> list[Resource]:
    """The edge listener's rules in the order in which the load balancer tries them."""
    return sorted(deployment.all("aws_lb_listener_rule"), key=lambda rule: int(rule["priority"]))


def _listener(deployment: Deployment) -> str:
    """The edge listener's rules and its refusal, out of the state."""
    groups = {
        one["arn"]: "grafana" if "grafana" in one["name"] else "gateway"
        for one in deployment.all("aws_lb_target_group")
    }
    rules = {
        path: groups[target] if (target := rule["action"][0]["target_group_arn"]) else ""
        for rule in rules_of(deployment)
        for path in rule["condition"][0]["path_pattern"][0]["values"]
    }
    listener = deployment.only("aws_lb_listener", ".edge")
    refusal = listener["default_action"][0]["fixed_response"][0]["message_body"]
    return LISTENER % (json.dumps(rules), json.dumps(refusal))


def _await_listening(address: str, process: "subprocess.Popen[bytes]", folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            send(address, "/health/liveliness")
        except OSError:
            time.sleep(0.01)
        else:
            return
    raise AssertionError((folder / "error.log").read_text())


def send(
    address: str, target: str, method: str = "GET", headers: Mapping[str, str] | None = None
) -> Answer:
    """One request, its target exactly as given."""
    connection = http.client.HTTPConnection(address, timeout=30)
    try:
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        if method in ("POST", "PUT", "PATCH", "DELETE"):
            connection.putheader("content-length", "2")
        connection.endheaders(b"{}" if method in ("POST", "PUT", "PATCH", "DELETE") else None)
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, found, response.read())
    finally:
        connection.close()
