"""Whether the database answers the gateway's own login, how fast, and how busy it is."""

import os
import sys
import time

import psycopg

STATE = """
SELECT count(*) FILTER (WHERE state = 'active'), count(*),
       current_setting('max_connections'), pg_size_pretty(pg_database_size(current_database()))
FROM pg_stat_activity WHERE backend_type = 'client backend'
"""

began = time.monotonic()
try:
    with psycopg.connect(os.environ["DATABASE_URL"], connect_timeout=5) as connection:
        opened = time.monotonic()
        active, count, most, size = connection.execute(STATE).fetchone() or (0, 0, 0, "?")
        asked = time.monotonic()
except psycopg.Error as error:
    sys.exit(f"the database does not answer: {error}")
sys.stdout.write(
    f"connected in {(opened - began) * 1000:.0f} ms, answered in {(asked - opened) * 1000:.0f} ms\n"
    f"{count} of {most} connections, {active} at work\n{size} in all\n"
)
