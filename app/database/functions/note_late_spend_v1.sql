-- Records that a request of a past day was settled. Waits only for drop_spend_log_before, which
-- takes the stronger lock.
CREATE OR REPLACE FUNCTION note_late_spend_v1(p_day date, p_request_id text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_dropped boolean;
BEGIN
    INSERT INTO spend_day_status (day) VALUES (p_day) ON CONFLICT DO NOTHING;
    SELECT dropped INTO v_dropped FROM spend_day_status WHERE day = p_day FOR KEY SHARE;
    IF v_dropped THEN
        PERFORM add_to_rollups_v1(p_day, p_request_id);
        RETURN;
    END IF;
    PERFORM FROM spend_day_status WHERE day = p_day FOR NO KEY UPDATE SKIP LOCKED;
    IF FOUND THEN
        UPDATE spend_day_status SET stale = true WHERE day = p_day AND NOT stale;
    ELSE
        INSERT INTO late_spend (day) VALUES (p_day);
    END IF;
END $$;
