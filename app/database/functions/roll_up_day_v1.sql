-- Rolls up a past day from its log. Settlements of that day do not wait for it: they leave a row in
-- late_spend, and the day stays stale. Statements after the DELETE see all that those rows
-- announced.
CREATE OR REPLACE FUNCTION roll_up_day_v1(p_day date) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO spend_day_status (day) VALUES (p_day) ON CONFLICT DO NOTHING;
    PERFORM FROM spend_day_status WHERE day = p_day AND stale AND NOT dropped FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    DELETE FROM late_spend WHERE day = p_day;
    DELETE FROM spend_daily WHERE day = p_day;
    DELETE FROM spend_session_daily WHERE day = p_day;
    DELETE FROM spend_tag_daily WHERE day = p_day;
    PERFORM add_to_rollups_v1(p_day, NULL);
    UPDATE spend_day_status
       SET stale = EXISTS (SELECT FROM late_spend WHERE day = p_day), rolled_up_at = now()
     WHERE day = p_day;
END $$;
