-- Returns spend by day and session, from roll-ups where they are up to date, else from the log.
CREATE OR REPLACE FUNCTION sessions_between_v1(p_from date, p_to date, p_key_id text)
RETURNS SETOF spend_session_daily
LANGUAGE sql STABLE AS $$
    SELECT d.*
      FROM spend_session_daily d JOIN spend_day_status
        AS s ON s.day = d.day AND (s.dropped OR NOT s.stale)
     WHERE d.day BETWEEN p_from AND p_to AND (p_key_id IS NULL OR d.key_id = p_key_id)
    UNION ALL
    SELECT g.day::date, l.*
      FROM generate_series(p_from::timestamp, least(p_to, utc_day_v1(now()))::timestamp, '1 day')
           AS g (day)
      CROSS JOIN LATERAL (
          SELECT r.session_id, r.key_id, coalesce(r.user_id, ''), min(r.started_at),
                 max(r.finished_at), count(*), sum(all_tokens_v1(r))::bigint, sum(r.cost)
            FROM spend_log r
           WHERE r.started_at >= g.day AT TIME ZONE 'UTC'
             AND r.started_at < (g.day + interval '1 day') AT TIME ZONE 'UTC'
             AND (p_key_id IS NULL OR r.key_id = p_key_id) AND r.session_id IS NOT NULL
           GROUP BY r.session_id, r.key_id, coalesce(r.user_id, '')
      ) l
     WHERE NOT EXISTS (SELECT FROM spend_day_status s
                        WHERE s.day = g.day::date AND (s.dropped OR NOT s.stale))
$$;
