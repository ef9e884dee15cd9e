-- Returns what was spent in a scope since p_start: from the log, and from roll-ups of days whose
-- log was dropped. Ids of counters by model are `model/id`.
CREATE OR REPLACE FUNCTION spent_since_v1(p_scope text, p_id text, p_start timestamptz)
RETURNS numeric
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_model text := CASE WHEN p_scope LIKE '%_model' THEN split_part(p_id, '/', 1) END;
    v_id text := CASE WHEN v_model IS NULL THEN p_id ELSE substr(p_id, length(v_model) + 2) END;
    v_logged numeric;
    v_summed numeric;
BEGIN
    IF p_scope LIKE 'key%' THEN
        SELECT sum(cost) INTO v_logged FROM spend_log
         WHERE key_id = v_id AND started_at >= p_start AND (v_model IS NULL OR model = v_model);
        SELECT sum(cost) INTO v_summed FROM spend_daily JOIN spend_day_status USING (day)
         WHERE dropped AND key_id = v_id AND day >= utc_day_v1(p_start)
           AND (v_model IS NULL OR model = v_model);
    ELSIF p_scope LIKE 'user%' THEN
        SELECT sum(cost) INTO v_logged FROM spend_log
         WHERE user_id = v_id AND started_at >= p_start AND (v_model IS NULL OR model = v_model);
        SELECT sum(cost) INTO v_summed FROM spend_daily JOIN spend_day_status USING (day)
         WHERE dropped AND user_id = v_id AND day >= utc_day_v1(p_start)
           AND (v_model IS NULL OR model = v_model);
    ELSE
        SELECT sum(cost) INTO v_logged FROM spend_log
         WHERE started_at >= p_start AND (v_model IS NULL OR model = v_model);
        SELECT sum(cost) INTO v_summed FROM spend_daily JOIN spend_day_status USING (day)
         WHERE dropped AND day >= utc_day_v1(p_start) AND (v_model IS NULL OR model = v_model);
    END IF;
    RETURN coalesce(v_logged, 0) + coalesce(v_summed, 0);
END $$;
