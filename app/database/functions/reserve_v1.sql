-- Reserves the cost of a request before it is sent upstream, or extends its reservation. Either
-- everything is reserved, or nothing changes and the result says which limit or budget is in the
-- way.
-- p_request: request_id, instance_id, started_at, key_id, user_id, model, upstream_model,
--     amount (USD), spare (USD that must remain in each budget besides the amount), tokens,
--     extends;
--     counters [{scope, id, start, cap, soft}] and limits [{scope, id, rpm, tpm, parallel}].
-- Returns spent and reserved for each counter and requests and tokens for each limit, up to the one
-- that refused (refused_by, limited_by: 1-based); reserved is NULL where there is no cap.
-- Rows are locked in the order of these lists, the same in all calls: rate limits first, then
-- counters, those that all share last. So no two calls deadlock.
-- A crash may lose a reservation that was not flushed: the request ended with the crash.
CREATE OR REPLACE FUNCTION reserve_v1(p_request jsonb) RETURNS TABLE (
    refused_by integer, limited_by integer, limited_kind text, wait_seconds double precision,
    spent numeric[], reserved numeric[], requests double precision[], tokens double precision[]
)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_request_id text := p_request ->> 'request_id';
    v_amount numeric := (p_request ->> 'amount')::numeric;
    v_spare numeric := coalesce((p_request ->> 'spare')::numeric, 0);
    v_tokens bigint := (p_request ->> 'tokens')::bigint;
    v_more numeric := v_amount;
    v_before numeric;
    v_known boolean;
    v_now timestamptz;
    v_elapsed double precision;
    v_spent numeric;
    v_reserved numeric;
    a record;
    m rate_limit_bucket;
    i integer := 0;
    v_bucket_requests double precision[] := '{}';
    v_bucket_tokens double precision[] := '{}';
BEGIN
    SELECT r.amount INTO v_before FROM reservation r
     WHERE r.request_id = v_request_id FOR UPDATE;
    v_known := FOUND;
    IF v_known THEN
        v_more := v_amount - v_before;
    ELSIF (p_request ->> 'extends')::boolean THEN
        RETURN NEXT;  -- it was settled meanwhile
        RETURN;
    END IF;
    IF NOT v_known AND p_request ? 'limits' THEN
        FOR a IN SELECT * FROM jsonb_to_recordset(p_request -> 'limits')
            AS x (scope text, id text, rpm double precision, tpm double precision,
                  parallel bigint) LOOP
            i := i + 1;
            SELECT * INTO m FROM rate_limit_bucket l WHERE l.scope = a.scope AND l.id = a.id
               FOR UPDATE;
            IF NOT FOUND THEN
                INSERT INTO rate_limit_bucket (scope, id) VALUES (a.scope, a.id)
                ON CONFLICT DO NOTHING;
                SELECT * INTO m FROM rate_limit_bucket l WHERE l.scope = a.scope AND l.id = a.id
                   FOR UPDATE;
            END IF;
            v_now := clock_timestamp();
            v_elapsed := greatest(0, extract(epoch FROM v_now - m.as_of));
            m.requests := greatest(0, m.requests - v_elapsed * coalesce(a.rpm, 0) / 60);
            m.tokens := greatest(0, m.tokens - v_elapsed * coalesce(a.tpm, 0) / 60);
            v_bucket_requests := v_bucket_requests || m.requests;
            v_bucket_tokens := v_bucket_tokens || m.tokens;
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
    FOR a IN SELECT * FROM jsonb_to_recordset(p_request -> 'counters')
        AS x (scope text, id text, start timestamptz, cap numeric, soft numeric) LOOP
        i := i + 1;
        v_spent := NULL;
        v_reserved := NULL;
        IF a.cap IS NOT NULL THEN
            LOOP
                UPDATE budget_counter t SET reserved = t.reserved + v_more
                 WHERE t.scope = a.scope AND t.id = a.id AND t.window_start = a.start
                   AND (v_more <= 0 OR t.spent + t.reserved + v_more + v_spare <= a.cap)
                RETURNING t.spent, t.reserved INTO v_spent, v_reserved;
                EXIT WHEN FOUND;
                SELECT t.spent, t.reserved INTO v_spent, v_reserved FROM budget_counter t
                 WHERE t.scope = a.scope AND t.id = a.id AND t.window_start = a.start FOR UPDATE;
                IF NOT FOUND THEN
                    INSERT INTO budget_counter (scope, id, window_start)
                    VALUES (a.scope, a.id, a.start) ON CONFLICT DO NOTHING;
                ELSIF v_spent + v_reserved + v_more + v_spare > a.cap THEN
                    refused_by := i;
                    EXIT;
                END IF;
            END LOOP;
        ELSIF a.soft IS NOT NULL THEN
            SELECT t.spent INTO v_spent FROM budget_counter t
             WHERE t.scope = a.scope AND t.id = a.id AND t.window_start = a.start;
        END IF;
        spent := spent || v_spent;
        reserved := reserved || v_reserved;
        IF refused_by IS NOT NULL THEN
            -- Those before this one had room; release what they reserved.
            UPDATE budget_counter t SET reserved = t.reserved - v_more
              FROM ROWS FROM (jsonb_to_recordset(p_request -> 'counters')
                              AS (scope text, id text, start timestamptz, cap numeric))
                   WITH ORDINALITY AS x (scope, id, start, cap, n)
             WHERE x.n < refused_by AND x.cap IS NOT NULL
               AND t.scope = x.scope AND t.id = x.id AND t.window_start = x.start;
            RETURN NEXT;
            RETURN;
        END IF;
    END LOOP;
    requests := v_bucket_requests;
    tokens := v_bucket_tokens;
    IF v_bucket_requests <> '{}' THEN
        i := 0;
        FOR a IN SELECT * FROM jsonb_to_recordset(p_request -> 'limits') AS x (scope text, id text)
        LOOP
            i := i + 1;
            UPDATE rate_limit_bucket t
               SET requests = v_bucket_requests[i] + 1, tokens = v_bucket_tokens[i] + v_tokens,
                   in_flight = t.in_flight + 1, as_of = clock_timestamp()
             WHERE t.scope = a.scope AND t.id = a.id;
        END LOOP;
    END IF;
    INSERT INTO reservation (request_id, instance_id, started_at, key_id, user_id, model,
                             upstream_model, counters, limits, tokens, amount)
    VALUES (v_request_id, p_request ->> 'instance_id', (p_request ->> 'started_at')::timestamptz,
            p_request ->> 'key_id', p_request ->> 'user_id', p_request ->> 'model',
            p_request ->> 'upstream_model', p_request -> 'counters',
            coalesce(p_request -> 'limits', '[]'), v_tokens, v_amount)
    ON CONFLICT (request_id) DO UPDATE SET amount = excluded.amount;
    RETURN NEXT;
END $$;
