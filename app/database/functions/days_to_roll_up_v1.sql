-- Returns past days whose roll-ups differ from the log. The first five minutes of a day are left to
-- requests that began before midnight.
CREATE OR REPLACE FUNCTION days_to_roll_up_v1() RETURNS SETOF date
LANGUAGE plpgsql AS $$
DECLARE
    v_first date := least((SELECT min(day) FROM spend_day_status),
                          (SELECT utc_day_v1(min(started_at)) FROM spend_log));
BEGIN
    INSERT INTO spend_day_status (day)
    SELECT g.day::date
      FROM generate_series(
               v_first::timestamp,
               (utc_day_v1(now() - interval '5 minutes') - 1)::timestamp, '1 day') AS g (day)
    ON CONFLICT DO NOTHING;
    UPDATE spend_day_status SET stale = true
     WHERE NOT stale AND NOT dropped AND day IN (SELECT day FROM late_spend);
    RETURN QUERY SELECT day FROM spend_day_status
                  WHERE stale AND NOT dropped AND day < utc_day_v1(now() - interval '5 minutes')
                  ORDER BY day;
END $$;
