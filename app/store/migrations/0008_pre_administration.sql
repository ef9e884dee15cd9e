-- Administration: keys and users are made in one statement, and addresses are unique.

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

-- An e-mail address belongs to one user. Where several have one already, nothing of theirs is
-- changed: all but the oldest are marked and may keep it, and so nobody else can take it. The mark
-- goes when such a user gets another address. Who is marked:
--     SELECT user_id, user_email FROM gateway_user WHERE duplicate_email
ALTER TABLE gateway_user ADD COLUMN duplicate_email boolean NOT NULL DEFAULT false;

UPDATE gateway_user u SET duplicate_email = true
  FROM (SELECT user_id, row_number() OVER (PARTITION BY lower(btrim(user_email))
                                           ORDER BY created_at, user_id) AS place
          FROM gateway_user WHERE user_email IS NOT NULL) AS ranked
 WHERE ranked.user_id = u.user_id AND ranked.place > 1;

CREATE UNIQUE INDEX gateway_user_one_per_email ON gateway_user (lower(btrim(user_email)))
 WHERE NOT duplicate_email;

CREATE FUNCTION end_duplicate_email() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    new.duplicate_email := false;
    RETURN new;
END $$;

CREATE TRIGGER end_duplicate_email BEFORE UPDATE OF user_email ON gateway_user
    FOR EACH ROW
    WHEN (lower(btrim(old.user_email)) IS DISTINCT FROM lower(btrim(new.user_email)))
    EXECUTE FUNCTION end_duplicate_email();
