-- Administration: keys and users are made in one statement, and addresses are unique.

-- A new key or user starts at zero, also where an earlier one had the same id: what that one spent
-- stays in the log and in reports, and is taken off here. Without an account of all it spent, nobody
-- has spent anything under this id.
CREATE FUNCTION start_budget_windows(p_scope text, p_id text, p_windows jsonb) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    v record;
    v_again boolean := EXISTS (
        SELECT FROM budget_account
         WHERE scope = p_scope AND id = p_id AND window_start = 'epoch');
BEGIN
    FOR v IN SELECT x.scope, x.id, x.start
               FROM jsonb_to_recordset(p_windows) AS x (scope text, id text, start timestamptz)
             UNION
             SELECT p_scope, p_id, 'epoch' WHERE v_again
    LOOP
        INSERT INTO budget_account (scope, id, window_start) VALUES (v.scope, v.id, v.start)
        ON CONFLICT DO NOTHING;
        IF v_again THEN
            -- Whoever settles now either is in the log already or waits for this row.
            PERFORM FROM budget_account
              WHERE scope = v.scope AND id = v.id AND window_start = v.start FOR UPDATE;
            UPDATE budget_account SET spent = 0, adjusted = -spent_since(v.scope, v.id, v.start)
             WHERE scope = v.scope AND id = v.id AND window_start = v.start;
        END IF;
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

-- Sums by session and tag are bounded: of a key's day, the p_most with the highest spend stay, and the
-- rest is added up under "(other)". Names of sessions and tags are made up by clients.
CREATE FUNCTION fold_spend_details(p_day date, p_most integer) RETURNS void
    LANGUAGE sql
    AS $$
    WITH ranked AS (
        SELECT session_id, key_id, user_id,
               row_number() OVER (PARTITION BY key_id ORDER BY cost DESC, session_id) AS place
          FROM spend_session_daily WHERE day = p_day AND session_id <> '(other)'
    ), folded AS (
        DELETE FROM spend_session_daily d USING ranked r
         WHERE r.place > p_most AND d.day = p_day AND d.session_id = r.session_id
           AND d.key_id = r.key_id AND d.user_id = r.user_id
        RETURNING d.*
    )
    INSERT INTO spend_session_daily AS d
    SELECT p_day, '(other)', key_id, user_id, min(first_at), max(last_at), sum(requests),
           sum(tokens), sum(cost)
      FROM folded GROUP BY key_id, user_id
    ON CONFLICT (day, session_id, key_id, user_id) DO UPDATE
       SET first_at = least(d.first_at, excluded.first_at),
           last_at = greatest(d.last_at, excluded.last_at),
           requests = d.requests + excluded.requests,
           tokens = d.tokens + excluded.tokens,
           cost = d.cost + excluded.cost;
    WITH ranked AS (
        SELECT tag, key_id,
               row_number() OVER (PARTITION BY key_id ORDER BY cost DESC, tag) AS place
          FROM spend_tag_daily WHERE day = p_day AND tag <> '(other)'
    ), folded AS (
        DELETE FROM spend_tag_daily d USING ranked r
         WHERE r.place > p_most AND d.day = p_day AND d.tag = r.tag AND d.key_id = r.key_id
        RETURNING d.*
    )
    INSERT INTO spend_tag_daily AS d
    SELECT p_day, '(other)', key_id, sum(requests), sum(tokens), sum(cost)
      FROM folded GROUP BY key_id
    ON CONFLICT (day, tag, key_id) DO UPDATE
       SET requests = d.requests + excluded.requests,
           tokens = d.tokens + excluded.tokens,
           cost = d.cost + excluded.cost;
$$;

-- The audit log is only added to, and forgets entries by the policy of retention: through the function
-- below alone, and never one that is younger than 90 days.
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('gateway.forgets', true) = TG_TABLE_NAME THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '% takes no %: it is only ever added to', TG_TABLE_NAME, TG_OP;
END $$;

CREATE FUNCTION refuse_to_forget() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION '% keeps every entry for 90 days', TG_TABLE_NAME;
END $$;

CREATE TRIGGER kept_for_90_days BEFORE DELETE ON audit_log
    FOR EACH ROW WHEN (old.at > now() - interval '90 days') EXECUTE FUNCTION refuse_to_forget();

CREATE FUNCTION forget_audit_log(p_before timestamptz, p_most integer) RETURNS integer
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_deleted integer;
BEGIN
    PERFORM set_config('gateway.forgets', 'audit_log', true);
    DELETE FROM audit_log
     WHERE id IN (SELECT id FROM (SELECT id, at FROM audit_log ORDER BY id LIMIT p_most) AS oldest
                   WHERE at < p_before);
    GET DIAGNOSTICS v_deleted = ROW_COUNT;
    PERFORM set_config('gateway.forgets', '', true);
    RETURN v_deleted;
END $$;
