-- Returns where the log of a day, its roll-up and the budget counters disagree; no row if none do.
-- p_windows: the current budget periods, [{scope, id, start}].
CREATE OR REPLACE FUNCTION reconcile_day_v1(p_day date, p_windows jsonb)
RETURNS TABLE (what text, scope text, id text, logged numeric, counted numeric)
LANGUAGE sql STABLE AS $$
    SELECT 'summary', 'key', coalesce(l.key_id, d.key_id), coalesce(l.cost, 0), coalesce(d.cost, 0)
      FROM (SELECT key_id, sum(cost) AS cost FROM spend_log
             WHERE started_at >= p_day::timestamp AT TIME ZONE 'UTC'
               AND started_at < (p_day + 1)::timestamp AT TIME ZONE 'UTC'
             GROUP BY key_id) l
      FULL JOIN (SELECT key_id, sum(cost) AS cost FROM spend_daily WHERE day = p_day
                  GROUP BY key_id) d USING (key_id)
     WHERE l.cost IS DISTINCT FROM d.cost
       AND EXISTS (SELECT FROM spend_day_status s
                    WHERE s.day = p_day AND NOT s.stale AND NOT s.dropped)
    UNION ALL
    SELECT 'lifetime', a.scope, a.id, coalesce(t.cost, 0), a.spent - a.adjusted
      FROM budget_counter a
      LEFT JOIN (
          SELECT CASE WHEN grouping(s.key_id) = 0 THEN 'key' ELSE 'user' END AS scope,
                 coalesce(s.key_id, s.user_id) AS id, sum(s.cost) AS cost
            FROM spend_between_v1(
                     (SELECT coalesce(min(day), p_day) FROM spend_day_status), utc_day_v1(now()),
                     NULL, NULL
                 ) s
           GROUP BY GROUPING SETS (s.key_id, s.user_id)
      ) t ON t.scope = a.scope AND t.id = a.id
     WHERE a.window_start = 'epoch' AND a.scope IN ('key', 'user')
       AND a.spent - a.adjusted <> coalesce(t.cost, 0)
    UNION ALL
    SELECT 'window', a.scope, a.id, spent_since_v1(a.scope, a.id, a.window_start),
           a.spent - a.adjusted
      FROM jsonb_to_recordset(p_windows) AS w (scope text, id text, start timestamptz)
      JOIN budget_counter a
        ON a.scope = w.scope AND a.id = w.id AND a.window_start = w.start
     WHERE a.spent - a.adjusted <> spent_since_v1(a.scope, a.id, a.window_start)
$$;
