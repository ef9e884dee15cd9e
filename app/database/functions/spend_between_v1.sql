-- Returns spend by day, of one key or user or of all: from roll-ups where they are up to date, else
-- from the log.
CREATE OR REPLACE FUNCTION spend_between_v1(p_from date, p_to date, p_key_id text, p_user_id text)
RETURNS SETOF spend_daily
LANGUAGE sql STABLE AS $$
    SELECT d.*
      FROM spend_daily d JOIN spend_day_status
        AS s ON s.day = d.day AND (s.dropped OR NOT s.stale)
     WHERE d.day BETWEEN p_from AND p_to
       AND (p_key_id IS NULL OR d.key_id = p_key_id)
       AND (p_user_id IS NULL OR d.user_id = p_user_id)
    UNION ALL
    SELECT g.day::date, l.*
      FROM generate_series(p_from::timestamp, least(p_to, utc_day_v1(now()))::timestamp, '1 day')
           AS g (day)
      CROSS JOIN LATERAL (
          SELECT r.key_id, coalesce(r.user_id, ''), r.model, count(*),
                 count(*) FILTER (WHERE r.status >= 400), sum(r.input_tokens)::bigint,
                 sum(r.output_tokens)::bigint, sum(r.cache_read_tokens)::bigint,
                 sum(r.cache_write_5m_tokens)::bigint, sum(r.cache_write_1h_tokens)::bigint,
                 sum(r.cost), coalesce(sum(r.cost) FILTER (WHERE r.estimated), 0)
            FROM spend_log r
           WHERE r.started_at >= g.day AT TIME ZONE 'UTC'
             AND r.started_at < (g.day + interval '1 day') AT TIME ZONE 'UTC'
             AND (p_key_id IS NULL OR r.key_id = p_key_id)
             AND (p_user_id IS NULL OR r.user_id = p_user_id)
           GROUP BY r.key_id, coalesce(r.user_id, ''), r.model
      ) l
     WHERE NOT EXISTS (SELECT FROM spend_day_status s
                        WHERE s.day = g.day::date AND (s.dropped OR NOT s.stale))
$$;
