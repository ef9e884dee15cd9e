-- Settlements that arrive while their day is being summarised, which locks the row of spend_day.
CREATE TABLE late_spend (
    day date NOT NULL
);

-- Summarises a past day anew from its log. Settlements of that day do not wait for it: they leave a
-- row in late_spend, and the day stays stale. Statements that follow the DELETE see all that those
-- rows announced.
CREATE OR REPLACE FUNCTION summarise_spend(p_day date) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO spend_day (day) VALUES (p_day) ON CONFLICT DO NOTHING;
    PERFORM FROM spend_day WHERE day = p_day AND stale AND NOT dropped FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    DELETE FROM late_spend WHERE day = p_day;
    DELETE FROM spend_daily WHERE day = p_day;
    DELETE FROM spend_session_daily WHERE day = p_day;
    DELETE FROM spend_tag_daily WHERE day = p_day;
    PERFORM add_to_summaries(p_day, NULL);
    UPDATE spend_day
       SET stale = EXISTS (SELECT FROM late_spend WHERE day = p_day), summarised_at = now()
     WHERE day = p_day;
END $$;

-- Past days whose summaries are not what the log says. The five minutes let those settle who began
-- to before midnight.
CREATE OR REPLACE FUNCTION stale_spend_days() RETURNS SETOF date
LANGUAGE plpgsql AS $$
DECLARE
    v_first date := least((SELECT min(day) FROM spend_day),
                          (SELECT utc_day(min(started_at)) FROM spend_log));
BEGIN
    INSERT INTO spend_day (day)
    SELECT g.day::date
      FROM generate_series(
               v_first::timestamp,
               (utc_day(now() - interval '5 minutes') - 1)::timestamp, '1 day') AS g (day)
    ON CONFLICT DO NOTHING;
    UPDATE spend_day SET stale = true
     WHERE NOT stale AND NOT dropped AND day IN (SELECT day FROM late_spend);
    RETURN QUERY SELECT day FROM spend_day
                  WHERE stale AND NOT dropped AND day < utc_day(now() - interval '5 minutes')
                  ORDER BY day;
END $$;

-- Records that a request of a past day was settled. Waits for drop_spend_before alone, which takes
-- the stronger lock.
CREATE OR REPLACE FUNCTION note_late_spend(p_day date, p_request_id text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_dropped boolean;
BEGIN
    INSERT INTO spend_day (day) VALUES (p_day) ON CONFLICT DO NOTHING;
    SELECT dropped INTO v_dropped FROM spend_day WHERE day = p_day FOR KEY SHARE;
    IF v_dropped THEN
        PERFORM add_to_summaries(p_day, p_request_id);
        RETURN;
    END IF;
    PERFORM FROM spend_day WHERE day = p_day FOR NO KEY UPDATE SKIP LOCKED;
    IF FOUND THEN
        UPDATE spend_day SET stale = true WHERE day = p_day AND NOT stale;
    ELSE
        INSERT INTO late_spend (day) VALUES (p_day);
    END IF;
END $$;

-- Lets a request in, or lets what it holds grow; or changes nothing and says what is in the way.
-- p_hold: request_id, owner, started_at, key_id, user_id, model, bedrock_id, amount, spare, tokens,
-- grows; spare USD must be left free in each account, beside the amount.
-- accounts [{scope, id, start, cap, soft}] and limits [{scope, id, rpm, tpm, parallel}].
-- Rows are locked in the order of these lists, which is the same everywhere: meters first, then
-- accounts, so that no two calls deadlock and the rows that all share are locked last.
-- spent and held have an element for each account, requests and tokens for each limit, up to the
-- one that refused; held is NULL where there is no cap.
-- A crash may lose a hold that was not flushed to disk: it cut the request off anyway.
CREATE OR REPLACE FUNCTION hold_budget(p_hold jsonb) RETURNS TABLE (
    refused_by integer, limited_by integer, limited_kind text, wait_seconds double precision,
    spent numeric[], held numeric[], requests double precision[], tokens double precision[]
)
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    v_request_id text := p_hold ->> 'request_id';
    v_amount numeric := (p_hold ->> 'amount')::numeric;
    v_spare numeric := coalesce((p_hold ->> 'spare')::numeric, 0);
    v_tokens bigint := (p_hold ->> 'tokens')::bigint;
    v_more numeric := v_amount;
    v_before numeric;
    v_known boolean;
    v_now timestamptz;
    v_elapsed double precision;
    v_spent numeric;
    v_held numeric;
    a record;
    m limit_meter;
    i integer := 0;
    v_requests double precision[] := '{}';
    v_metered double precision[] := '{}';
BEGIN
    SELECT r.amount INTO v_before FROM reservation r
     WHERE r.request_id = v_request_id FOR UPDATE;
    v_known := FOUND;
    IF v_known THEN
        v_more := v_amount - v_before;
    ELSIF (p_hold ->> 'grows')::boolean THEN
        RETURN NEXT;  -- it was settled meanwhile
        RETURN;
    END IF;
    IF NOT v_known AND p_hold ? 'limits' THEN
        FOR a IN SELECT * FROM jsonb_to_recordset(p_hold -> 'limits')
            AS x (scope text, id text, rpm double precision, tpm double precision,
                  parallel bigint) LOOP
            i := i + 1;
            SELECT * INTO m FROM limit_meter l WHERE l.scope = a.scope AND l.id = a.id FOR UPDATE;
            IF NOT FOUND THEN
                INSERT INTO limit_meter (scope, id) VALUES (a.scope, a.id) ON CONFLICT DO NOTHING;
                SELECT * INTO m FROM limit_meter l WHERE l.scope = a.scope AND l.id = a.id
                   FOR UPDATE;
            END IF;
            v_now := clock_timestamp();
            v_elapsed := greatest(0, extract(epoch FROM v_now - m.as_of));
            m.requests := greatest(0, m.requests - v_elapsed * coalesce(a.rpm, 0) / 60);
            m.tokens := greatest(0, m.tokens - v_elapsed * coalesce(a.tpm, 0) / 60);
            v_requests := v_requests || m.requests;
            v_metered := v_metered || m.tokens;
            limited_kind := CASE
                WHEN m.in_flight >= a.parallel THEN 'parallel'
                WHEN m.requests + 1 > a.rpm + 1e-6 THEN 'requests'
                WHEN a.tpm = 0 OR m.tokens > 0 AND m.tokens + v_tokens > a.tpm + 1e-6 THEN 'tokens'
            END;
            IF limited_kind IS NOT NULL THEN
                limited_by := i;
                wait_seconds := CASE limited_kind
                    WHEN 'requests' THEN (m.requests + 1 - a.rpm) * 60 / nullif(a.rpm, 0)
                    WHEN 'tokens' THEN
                        (m.tokens - greatest(0, a.tpm - v_tokens)) * 60 / nullif(a.tpm, 0)
                END;
                RETURN NEXT;
                RETURN;
            END IF;
        END LOOP;
    END IF;
    i := 0;
    FOR a IN SELECT * FROM jsonb_to_recordset(p_hold -> 'accounts')
        AS x (scope text, id text, start timestamptz, cap numeric, soft numeric) LOOP
        i := i + 1;
        v_spent := NULL;
        v_held := NULL;
        IF a.cap IS NOT NULL THEN
            LOOP
                UPDATE budget_account t SET held = t.held + v_more
                 WHERE t.scope = a.scope AND t.id = a.id AND t.window_start = a.start
                   AND (v_more <= 0 OR t.spent + t.held + v_more + v_spare <= a.cap)
                RETURNING t.spent, t.held INTO v_spent, v_held;
                EXIT WHEN FOUND;
                SELECT t.spent, t.held INTO v_spent, v_held FROM budget_account t
                 WHERE t.scope = a.scope AND t.id = a.id AND t.window_start = a.start FOR UPDATE;
                IF NOT FOUND THEN
                    INSERT INTO budget_account (scope, id, window_start)
                    VALUES (a.scope, a.id, a.start) ON CONFLICT DO NOTHING;
                ELSIF v_spent + v_held + v_more + v_spare > a.cap THEN
                    refused_by := i;
                    EXIT;
                END IF;
            END LOOP;
        ELSIF a.soft IS NOT NULL THEN
            SELECT t.spent INTO v_spent FROM budget_account t
             WHERE t.scope = a.scope AND t.id = a.id AND t.window_start = a.start;
        END IF;
        spent := spent || v_spent;
        held := held || v_held;
        IF refused_by IS NOT NULL THEN
            -- Those before this one had room; what they hold for nothing goes again.
            UPDATE budget_account t SET held = t.held - v_more
              FROM ROWS FROM (jsonb_to_recordset(p_hold -> 'accounts')
                              AS (scope text, id text, start timestamptz, cap numeric))
                   WITH ORDINALITY AS x (scope, id, start, cap, n)
             WHERE x.n < refused_by AND x.cap IS NOT NULL
               AND t.scope = x.scope AND t.id = x.id AND t.window_start = x.start;
            RETURN NEXT;
            RETURN;
        END IF;
    END LOOP;
    requests := v_requests;
    tokens := v_metered;
    IF v_requests <> '{}' THEN
        i := 0;
        FOR a IN SELECT * FROM jsonb_to_recordset(p_hold -> 'limits') AS x (scope text, id text)
        LOOP
            i := i + 1;
            UPDATE limit_meter t
               SET requests = v_requests[i] + 1, tokens = v_metered[i] + v_tokens,
                   in_flight = t.in_flight + 1, as_of = clock_timestamp()
             WHERE t.scope = a.scope AND t.id = a.id;
        END LOOP;
    END IF;
    INSERT INTO reservation (request_id, owner, started_at, key_id, user_id, model, bedrock_id,
                             accounts, limits, tokens, amount)
    VALUES (v_request_id, p_hold ->> 'owner', (p_hold ->> 'started_at')::timestamptz,
            p_hold ->> 'key_id', p_hold ->> 'user_id', p_hold ->> 'model', p_hold ->> 'bedrock_id',
            p_hold -> 'accounts', coalesce(p_hold -> 'limits', '[]'), v_tokens, v_amount)
    ON CONFLICT (request_id) DO UPDATE SET amount = excluded.amount;
    RETURN NEXT;
END $$;
