-- Sets counters of new budgets, or of a new period, to what the spend log says was spent in it.
-- p_counters: [{scope, id, start}], in the order key_model, key, user_model, user.
CREATE OR REPLACE FUNCTION seed_counters_v1(p_counters jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v record;
BEGIN
    FOR v IN SELECT * FROM jsonb_to_recordset(p_counters) AS x (scope text, id text,
                                                                start timestamptz) LOOP
        INSERT INTO budget_counter (scope, id, window_start) VALUES (v.scope, v.id, v.start)
        ON CONFLICT DO NOTHING;
        -- Whoever settles now either is in the log already or waits for this row.
        PERFORM FROM budget_counter
          WHERE scope = v.scope AND id = v.id AND window_start = v.start FOR UPDATE;
        UPDATE budget_counter SET spent = adjusted + spent_since_v1(v.scope, v.id, v.start)
         WHERE scope = v.scope AND id = v.id AND window_start = v.start;
    END LOOP;
END $$;
