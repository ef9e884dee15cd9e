"""What the gateway itself says: on the internal port, why it is not ready."""

import http.client
import os
import sys

port = int(os.environ.get("GATEWAY_INTERNAL_PORT", "4001"))
failed = False
for path in ("/health/liveliness", "/health/readiness"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read(2000).decode(errors="replace")
        sys.stdout.write(f"{path} {answer.status} {text}\n")
        failed = failed or answer.status != 200
    except OSError as error:
        sys.stdout.write(f"{path} {error}\n")
        failed = True
sys.exit(failed)
