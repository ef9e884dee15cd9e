-- Keys and users are made in one statement.

-- A new key or user starts at zero, also where an earlier one had the same id: what that one spent
-- stays in the log and in reports, and is taken off here. Without an account of all it spent, nobody
-- has spent anything under this id.
CREATE FUNCTION start_budget_windows(p_scope text, p_id text, p_windows jsonb) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    v record;
BEGIN
    PERFORM FROM budget_account WHERE scope = p_scope AND id = p_id AND window_start = 'epoch';
    IF NOT FOUND THEN
        RETURN;
    END IF;
    FOR v IN SELECT p_scope AS scope, p_id AS id, 'epoch'::timestamptz AS start
             UNION
             SELECT x.scope, x.id, x.start
               FROM jsonb_to_recordset(p_windows) AS x (scope text, id text, start timestamptz)
    LOOP
        INSERT INTO budget_account (scope, id, window_start) VALUES (v.scope, v.id, v.start)
        ON CONFLICT DO NOTHING;
        -- Whoever settles now either is in the log already or waits for this row.
        PERFORM FROM budget_account
          WHERE scope = v.scope AND id = v.id AND window_start = v.start FOR UPDATE;
        UPDATE budget_account SET spent = 0, adjusted = -spent_since(v.scope, v.id, v.start)
         WHERE scope = v.scope AND id = v.id AND window_start = v.start;
    END LOOP;
END $$;
