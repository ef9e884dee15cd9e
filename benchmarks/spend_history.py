"""A spend log with a past: so many rows over thirty days, summed up as the gateway does it."""

from typing import Final

import psycopg

DAYS: Final = 30
INSERT_DAY: Final = """
INSERT INTO spend_log (
    request_id, started_at, finished_at, key_id, user_id, api_format, model, upstream_model,
    input_tokens, output_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens,
    cost, estimated,
    ending, status, stream, ttfb_ms, latency_ms, session_id
)
SELECT 'past-' || %(day)s || '-' || n, day + (86400.0 * n / %(rows)s) * interval '1 second',
       day + (86400.0 * n / %(rows)s + 4) * interval '1 second', 'past-key-' || n %% 500,
       'past-user-' || n %% 500, 'anthropic', 'claude-haiku-4-5', 'us.anthropic.claude-haiku-4-5',
       1200, 300, 20000, 800, 0, 0.0061, false, 'completed', 200, true, 600, 4000,
       'past-session-' || n %% 4000
  FROM generate_series(0, %(rows)s - 1) AS n,
       (SELECT utc_day_v1(now() - %(day)s * interval '1 day')::timestamp AT TIME ZONE 'UTC' AS day
       ) d
"""


def fill(dsn: str, rows: int) -> None:
    """Write the rows; a million takes the better part of a minute."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            "SELECT create_spend_partitions_v1(utc_day_v1(now()) - %s, %s)", (DAYS, DAYS + 8)
        )
        connection.execute("SET synchronous_commit = off")
        for day in range(1, DAYS + 1):
            connection.execute(INSERT_DAY, {"day": day, "rows": max(1, rows // DAYS)})
            connection.execute("SELECT roll_up_day_v1(utc_day_v1(now()) - %s)", (day,))
        connection.execute("VACUUM ANALYZE")
