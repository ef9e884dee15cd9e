-- Starts a new key or user at zero, also if an earlier one had the same id: its spend stays in the
-- log and in reports, and `adjusted` takes it off here. Without a lifetime counter, nothing was
-- spent under this id.
CREATE OR REPLACE FUNCTION reset_counters_v1(p_scope text, p_id text, p_windows jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v record;
    v_again boolean := EXISTS (
        SELECT FROM budget_counter
         WHERE scope = p_scope AND id = p_id AND window_start = 'epoch');
BEGIN
    FOR v IN SELECT x.scope, x.id, x.start
               FROM jsonb_to_recordset(p_windows) AS x (scope text, id text, start timestamptz)
             UNION
             SELECT p_scope, p_id, 'epoch' WHERE v_again
    LOOP
        INSERT INTO budget_counter (scope, id, window_start) VALUES (v.scope, v.id, v.start)
        ON CONFLICT DO NOTHING;
        IF v_again THEN
            -- Whoever settles now either is in the log already or waits for this row.
            PERFORM FROM budget_counter
              WHERE scope = v.scope AND id = v.id AND window_start = v.start FOR UPDATE;
            UPDATE budget_counter SET spent = 0, adjusted = -spent_since_v1(v.scope, v.id, v.start)
             WHERE scope = v.scope AND id = v.id AND window_start = v.start;
        END IF;
    END LOOP;
END $$;
