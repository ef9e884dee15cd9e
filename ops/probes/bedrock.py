"""Whether Bedrock can be reached: name, connection, certificate. It asks for no model."""

import os
import socket
import ssl
import sys
import time

host = f"bedrock-runtime.{os.environ.get('AWS_REGION', 'us-east-1')}.amazonaws.com"
began = time.monotonic()
try:
    with (
        socket.create_connection((host, 443), timeout=5) as plain,
        ssl.create_default_context().wrap_socket(plain, server_hostname=host) as secure,
    ):
        took = (time.monotonic() - began) * 1000
        sys.stdout.write(f"{host} {plain.getpeername()[0]} {secure.version()} in {took:.0f} ms\n")
except OSError as error:
    sys.exit(f"{host} cannot be reached: {error}")
