-- Returns spend by day and tag, from roll-ups where they are up to date, else from the log.
CREATE OR REPLACE FUNCTION tags_between_v1(p_from date, p_to date)
RETURNS SETOF spend_tag_daily
LANGUAGE sql STABLE AS $$
    SELECT d.*
      FROM spend_tag_daily d JOIN spend_day_status
        AS s ON s.day = d.day AND (s.dropped OR NOT s.stale)
     WHERE d.day BETWEEN p_from AND p_to
    UNION ALL
    SELECT g.day::date, l.*
      FROM generate_series(p_from::timestamp, least(p_to, utc_day_v1(now()))::timestamp, '1 day')
           AS g (day)
      CROSS JOIN LATERAL (
          SELECT t.tag, r.key_id, count(*), sum(all_tokens_v1(r))::bigint, sum(r.cost)
            FROM spend_log r CROSS JOIN unnest(r.tags) AS t (tag)
           WHERE r.started_at >= g.day AT TIME ZONE 'UTC'
             AND r.started_at < (g.day + interval '1 day') AT TIME ZONE 'UTC'
           GROUP BY t.tag, r.key_id
      ) l
     WHERE NOT EXISTS (SELECT FROM spend_day_status s
                        WHERE s.day = g.day::date AND (s.dropped OR NOT s.stale))
$$;
