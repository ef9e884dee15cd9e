-- Drops the log of days before p_day that are rolled up: the oldest seven, so that no call is long.
CREATE OR REPLACE FUNCTION drop_spend_log_before_v1(p_day date) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    v_day date;
    v_dropped integer := 0;
BEGIN
    PERFORM set_config('lock_timeout', '500ms', true);
    FOR v_day IN
        SELECT day FROM spend_day_status
         WHERE day < p_day AND NOT stale AND NOT dropped ORDER BY day LIMIT 7
           FOR UPDATE
    LOOP
        BEGIN
            EXECUTE format('DROP TABLE IF EXISTS %I', 'spend_log_' || to_char(v_day, 'YYYYMMDD'));
            DELETE FROM spend_log_rest
             WHERE started_at >= v_day::timestamp AT TIME ZONE 'UTC'
               AND started_at < (v_day + 1)::timestamp AT TIME ZONE 'UTC';
            UPDATE spend_day_status SET dropped = true WHERE day = v_day;
            v_dropped := v_dropped + 1;
        EXCEPTION
            WHEN lock_not_available THEN RETURN v_dropped;
        END;
    END LOOP;
    RETURN v_dropped;
END $$;
