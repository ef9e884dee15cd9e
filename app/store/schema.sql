-- What the migrations add up to. Made by `python -m app.local.schema`; never applied.


CREATE FUNCTION public.add_to_summaries(p_day date, p_request_id text) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_first timestamptz := p_day::timestamp AT TIME ZONE 'UTC';
    v_end timestamptz := (p_day + 1)::timestamp AT TIME ZONE 'UTC';
BEGIN
    INSERT INTO spend_daily AS d
    SELECT p_day, key_id, coalesce(user_id, ''), model, count(*),
           count(*) FILTER (WHERE status >= 400), sum(input_tokens), sum(output_tokens),
           sum(cache_read_tokens), sum(cache_write_5m_tokens), sum(cache_write_1h_tokens),
           sum(cost), coalesce(sum(cost) FILTER (WHERE estimated), 0)
      FROM spend_log
     WHERE started_at >= v_first AND started_at < v_end
       AND request_id = coalesce(p_request_id, request_id)
     GROUP BY key_id, coalesce(user_id, ''), model
    ON CONFLICT (day, key_id, user_id, model) DO UPDATE
       SET requests = d.requests + excluded.requests,
           failed_requests = d.failed_requests + excluded.failed_requests,
           input_tokens = d.input_tokens + excluded.input_tokens,
           output_tokens = d.output_tokens + excluded.output_tokens,
           cache_read_tokens = d.cache_read_tokens + excluded.cache_read_tokens,
           cache_write_5m_tokens = d.cache_write_5m_tokens + excluded.cache_write_5m_tokens,
           cache_write_1h_tokens = d.cache_write_1h_tokens + excluded.cache_write_1h_tokens,
           cost = d.cost + excluded.cost,
           estimated_cost = d.estimated_cost + excluded.estimated_cost;
    INSERT INTO spend_session_daily AS d
    SELECT p_day, session_id, key_id, coalesce(user_id, ''), min(started_at), max(finished_at),
           count(*), sum(all_tokens(l)), sum(cost)
      FROM spend_log l
     WHERE started_at >= v_first AND started_at < v_end AND session_id IS NOT NULL
       AND request_id = coalesce(p_request_id, request_id)
     GROUP BY session_id, key_id, coalesce(user_id, '')
    ON CONFLICT (day, session_id, key_id, user_id) DO UPDATE
       SET first_at = least(d.first_at, excluded.first_at),
           last_at = greatest(d.last_at, excluded.last_at),
           requests = d.requests + excluded.requests,
           tokens = d.tokens + excluded.tokens,
           cost = d.cost + excluded.cost;
    INSERT INTO spend_tag_daily AS d
    SELECT p_day, tag, key_id, count(*), sum(all_tokens(l)), sum(cost)
      FROM spend_log l CROSS JOIN unnest(l.tags) AS tag
     WHERE started_at >= v_first AND started_at < v_end
       AND request_id = coalesce(p_request_id, request_id)
     GROUP BY tag, key_id
    ON CONFLICT (day, tag, key_id) DO UPDATE
       SET requests = d.requests + excluded.requests,
           tokens = d.tokens + excluded.tokens,
           cost = d.cost + excluded.cost;
END $$;

CREATE TABLE public.spend_log (
    request_id text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone NOT NULL,
    key_id text CONSTRAINT spend_log_key_hash_not_null NOT NULL,
    user_id text,
    dialect text NOT NULL,
    model text NOT NULL,
    bedrock_id text NOT NULL,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cache_read_tokens bigint NOT NULL,
    cache_write_5m_tokens bigint NOT NULL,
    cache_write_1h_tokens bigint NOT NULL,
    cost numeric NOT NULL,
    estimated boolean NOT NULL,
    ending text NOT NULL,
    status integer NOT NULL,
    stream boolean NOT NULL,
    ttfb_ms integer,
    upstream_request_id text,
    session_id text,
    client text,
    latency_ms integer,
    error_code text,
    agent text,
    tags text[] DEFAULT '{}'::text[] NOT NULL,
    input_cost numeric,
    output_cost numeric,
    cache_read_cost numeric,
    cache_write_5m_cost numeric,
    cache_write_1h_cost numeric,
    guardrail_cost numeric
)
PARTITION BY RANGE (started_at);

CREATE FUNCTION public.all_tokens(r public.spend_log) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT r.input_tokens + r.output_tokens + r.cache_read_tokens + r.cache_write_5m_tokens
         + r.cache_write_1h_tokens
$$;

CREATE FUNCTION public.announce_key_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_TABLE_NAME = 'budget' THEN
        PERFORM pg_notify('gateway_key', '');
    ELSIF TG_TABLE_NAME = 'gateway_user' THEN
        PERFORM pg_notify('gateway_key', s.key_hash)
           FROM api_key k
           CROSS JOIN LATERAL (
               SELECT k.key_hash
               UNION ALL
               SELECT r.key_hash FROM retired_secret r WHERE r.key_id = k.key_id
           ) s
          WHERE k.user_id = coalesce(new.user_id, old.user_id);
    ELSE
        PERFORM pg_notify('gateway_key', old.key_hash) WHERE TG_OP <> 'INSERT';
        PERFORM pg_notify('gateway_key', new.key_hash) WHERE TG_OP <> 'DELETE';
        PERFORM pg_notify('gateway_key', r.key_hash) FROM retired_secret r
         WHERE r.key_id = coalesce(new.key_id, old.key_id);
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION public.announce_model_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM pg_notify('gateway_model', '');
    RETURN NULL;
END $$;

CREATE FUNCTION public.audit() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_before jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(old) END;
    v_after jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(new) END;
BEGIN
    IF v_before - 'updated_at' IS NOT DISTINCT FROM v_after - 'updated_at' THEN
        RETURN NULL;
    END IF;
    INSERT INTO audit_log (actor, request_id, action, object_type, object_id, before, after)
    VALUES (
        coalesce(nullif(current_setting('gateway.actor', true), ''),
                 'database user ' || session_user),
        nullif(current_setting('gateway.request_id', true), ''),
        CASE TG_OP WHEN 'INSERT' THEN 'create' WHEN 'UPDATE' THEN 'update' ELSE 'delete' END,
        TG_TABLE_NAME, coalesce(v_after, v_before) ->> TG_ARGV[0], v_before, v_after);
    RETURN NULL;
END $$;

CREATE FUNCTION public.check_spend(p_day date, p_windows jsonb) RETURNS TABLE(what text, scope text, id text, logged numeric, counted numeric)
    LANGUAGE sql STABLE
    AS $$
    SELECT 'summary', 'key', coalesce(l.key_id, d.key_id), coalesce(l.cost, 0), coalesce(d.cost, 0)
      FROM (SELECT key_id, sum(cost) AS cost FROM spend_log
             WHERE started_at >= p_day::timestamp AT TIME ZONE 'UTC'
               AND started_at < (p_day + 1)::timestamp AT TIME ZONE 'UTC'
             GROUP BY key_id) l
      FULL JOIN (SELECT key_id, sum(cost) AS cost FROM spend_daily WHERE day = p_day
                  GROUP BY key_id) d USING (key_id)
     WHERE l.cost IS DISTINCT FROM d.cost
       AND EXISTS (SELECT FROM spend_day s WHERE s.day = p_day AND NOT s.stale AND NOT s.dropped)
    UNION ALL
    SELECT 'lifetime', a.scope, a.id, coalesce(t.cost, 0), a.spent - a.adjusted
      FROM budget_account a
      LEFT JOIN (
          SELECT CASE WHEN grouping(s.key_id) = 0 THEN 'key' ELSE 'user' END AS scope,
                 coalesce(s.key_id, s.user_id) AS id, sum(s.cost) AS cost
            FROM spend_between(
                     (SELECT coalesce(min(day), p_day) FROM spend_day), utc_day(now()), NULL, NULL
                 ) s
           GROUP BY GROUPING SETS (s.key_id, s.user_id)
      ) t ON t.scope = a.scope AND t.id = a.id
     WHERE a.window_start = 'epoch' AND a.scope IN ('key', 'user')
       AND a.spent - a.adjusted <> coalesce(t.cost, 0)
    UNION ALL
    SELECT 'window', a.scope, a.id, spent_since(a.scope, a.id, a.window_start), a.spent - a.adjusted
      FROM jsonb_to_recordset(p_windows) AS w (scope text, id text, start timestamptz)
      JOIN budget_account a
        ON a.scope = w.scope AND a.id = w.id AND a.window_start = w.start
     WHERE a.spent - a.adjusted <> spent_since(a.scope, a.id, a.window_start)
$$;

CREATE FUNCTION public.drop_spend_before(p_day date) RETURNS integer
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_day date;
    v_dropped integer := 0;
BEGIN
    PERFORM set_config('lock_timeout', '500ms', true);
    FOR v_day IN
        SELECT day FROM spend_day
         WHERE day < p_day AND NOT stale AND NOT dropped ORDER BY day LIMIT 7
           FOR UPDATE
    LOOP
        BEGIN
            EXECUTE format('DROP TABLE IF EXISTS %I', 'spend_log_' || to_char(v_day, 'YYYYMMDD'));
            DELETE FROM spend_log_rest
             WHERE started_at >= v_day::timestamp AT TIME ZONE 'UTC'
               AND started_at < (v_day + 1)::timestamp AT TIME ZONE 'UTC';
            UPDATE spend_day SET dropped = true WHERE day = v_day;
            v_dropped := v_dropped + 1;
        EXCEPTION
            WHEN lock_not_available THEN RETURN v_dropped;
        END;
    END LOOP;
    RETURN v_dropped;
END $$;

CREATE FUNCTION public.end_duplicate_email() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    new.duplicate_email := false;
    RETURN new;
END $$;

CREATE FUNCTION public.fold_spend_details(p_day date, p_most integer) RETURNS void
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

CREATE FUNCTION public.forget_audit_log(p_before timestamp with time zone, p_most integer) RETURNS integer
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

CREATE FUNCTION public.hold_budget(p_hold jsonb) RETURNS TABLE(refused_by integer, limited_by integer, limited_kind text, wait_seconds double precision, spent numeric[], held numeric[], requests double precision[], tokens double precision[])
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

CREATE FUNCTION public.make_spend_partitions(p_first date, p_days integer) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    -- One gateway at a time: two that find a table missing would both make it.
    PERFORM pg_advisory_xact_lock(hashtext('make_spend_partitions'));
    PERFORM set_config('lock_timeout', '500ms', true);
    FOR i IN 0 .. p_days - 1 LOOP
        BEGIN
            EXECUTE format(
                'CREATE TABLE IF NOT EXISTS %I PARTITION OF spend_log FOR VALUES FROM (%L) TO (%L)',
                'spend_log_' || to_char(p_first + i, 'YYYYMMDD'),
                (p_first + i)::timestamp AT TIME ZONE 'UTC',
                (p_first + i + 1)::timestamp AT TIME ZONE 'UTC');
        EXCEPTION
            WHEN check_violation THEN CONTINUE;
            WHEN lock_not_available THEN RETURN;
        END;
    END LOOP;
END $$;

CREATE FUNCTION public.name_key() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    new.key_id := coalesce(new.key_id, new.key_hash);
    IF EXISTS (SELECT FROM retired_secret r
                WHERE r.key_hash = new.key_hash AND (TG_OP = 'UPDATE' OR r.key_id <> new.key_id))
       OR EXISTS (SELECT FROM api_key k
                   WHERE k.key_id = new.key_hash AND k.key_id <> new.key_id) THEN
        RAISE unique_violation USING MESSAGE = 'this secret is or was that of another key',
                                     CONSTRAINT = 'api_key_pkey';
    END IF;
    RETURN new;
END $$;

CREATE FUNCTION public.note_late_spend(p_day date, p_request_id text) RETURNS void
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.open_budget_windows(p_accounts jsonb) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    v record;
BEGIN
    FOR v IN SELECT * FROM jsonb_to_recordset(p_accounts) AS x (scope text, id text,
                                                                start timestamptz) LOOP
        INSERT INTO budget_account (scope, id, window_start) VALUES (v.scope, v.id, v.start)
        ON CONFLICT DO NOTHING;
        -- Whoever settles now either is in the log already or waits for this row.
        PERFORM FROM budget_account
          WHERE scope = v.scope AND id = v.id AND window_start = v.start FOR UPDATE;
        UPDATE budget_account SET spent = adjusted + spent_since(v.scope, v.id, v.start)
         WHERE scope = v.scope AND id = v.id AND window_start = v.start;
    END LOOP;
END $$;

CREATE FUNCTION public.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('gateway.forgets', true) = TG_TABLE_NAME THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '% takes no %: it is only ever added to', TG_TABLE_NAME, TG_OP;
END $$;

CREATE FUNCTION public.refuse_to_forget() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION '% keeps every entry for 90 days', TG_TABLE_NAME;
END $$;

CREATE FUNCTION public.remember_deleted_key() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO deleted_key (key_id, key_name, key_alias, user_id)
    VALUES (old.key_id, old.key_name, old.key_alias, old.user_id)
    ON CONFLICT (key_id) DO UPDATE
       SET key_name = excluded.key_name, key_alias = excluded.key_alias,
           user_id = excluded.user_id, deleted_at = excluded.deleted_at;
    RETURN NULL;
END $$;

CREATE TABLE public.spend_session_daily (
    day date NOT NULL,
    session_id text NOT NULL,
    key_id text NOT NULL,
    user_id text DEFAULT ''::text NOT NULL,
    first_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    requests bigint NOT NULL,
    tokens bigint NOT NULL,
    cost numeric NOT NULL
);

CREATE FUNCTION public.sessions_between(p_from date, p_to date, p_key_id text) RETURNS SETOF public.spend_session_daily
    LANGUAGE sql STABLE
    AS $$
    SELECT d.*
      FROM spend_session_daily d JOIN spend_day s ON s.day = d.day AND (s.dropped OR NOT s.stale)
     WHERE d.day BETWEEN p_from AND p_to AND (p_key_id IS NULL OR d.key_id = p_key_id)
    UNION ALL
    SELECT g.day::date, l.*
      FROM generate_series(p_from::timestamp, least(p_to, utc_day(now()))::timestamp, '1 day')
           AS g (day)
      CROSS JOIN LATERAL (
          SELECT r.session_id, r.key_id, coalesce(r.user_id, ''), min(r.started_at),
                 max(r.finished_at), count(*), sum(all_tokens(r))::bigint, sum(r.cost)
            FROM spend_log r
           WHERE r.started_at >= g.day AT TIME ZONE 'UTC'
             AND r.started_at < (g.day + interval '1 day') AT TIME ZONE 'UTC'
             AND (p_key_id IS NULL OR r.key_id = p_key_id) AND r.session_id IS NOT NULL
           GROUP BY r.session_id, r.key_id, coalesce(r.user_id, '')
      ) l
     WHERE NOT EXISTS (SELECT FROM spend_day s
                        WHERE s.day = g.day::date AND (s.dropped OR NOT s.stale))
$$;

CREATE FUNCTION public.settle_request(p_end jsonb) RETURNS numeric[]
    LANGUAGE plpgsql
    AS $$
DECLARE
    v_row spend_log := jsonb_populate_record(NULL::spend_log, p_end -> 'row');
    v_more numeric := v_row.cost;
    v_day date := utc_day(v_row.started_at);
    v_held reservation;
    v_logged spend_log;
    v_surplus double precision := 0;
    v_spent numeric;
    v_all numeric[] := '{}';
    a record;
BEGIN
    DELETE FROM reservation WHERE request_id = v_row.request_id RETURNING * INTO v_held;
    INSERT INTO spend_log SELECT v_row.* ON CONFLICT (started_at, request_id) DO NOTHING;
    IF NOT FOUND THEN
        SELECT * INTO v_logged FROM spend_log
         WHERE started_at = v_row.started_at AND request_id = v_row.request_id FOR UPDATE;
        IF v_logged.ending = 'owner_lost' AND v_row.ending <> 'owner_lost' THEN
            v_more := v_row.cost - v_logged.cost;
            DELETE FROM spend_log
             WHERE started_at = v_row.started_at AND request_id = v_row.request_id;
            INSERT INTO spend_log SELECT v_row.*;
        ELSE
            v_more := 0;
        END IF;
    END IF;
    IF v_day < utc_day(now()) THEN
        PERFORM note_late_spend(v_day, v_row.request_id);
    END IF;
    IF v_held.limits IS NOT NULL AND v_held.limits <> '[]' THEN
        IF v_row.ending <> 'owner_lost' THEN
            v_surplus := all_tokens(v_row) - v_row.cache_read_tokens - v_held.tokens;
        END IF;
        FOR a IN SELECT * FROM jsonb_to_recordset(v_held.limits)
            AS x (scope text, id text, rpm double precision, tpm double precision) LOOP
            UPDATE limit_meter m
               SET requests = greatest(0, m.requests - coalesce(a.rpm, 0) / 60 * greatest(
                       0, extract(epoch FROM clock_timestamp() - m.as_of))),
                   tokens = greatest(0, v_surplus + greatest(
                       0, m.tokens - coalesce(a.tpm, 0) / 60 * greatest(
                           0, extract(epoch FROM clock_timestamp() - m.as_of)))),
                   as_of = clock_timestamp(),
                   in_flight = greatest(0, m.in_flight - 1)
             WHERE m.scope = a.scope AND m.id = a.id;
        END LOOP;
    END IF;
    FOR a IN SELECT * FROM jsonb_to_recordset(p_end -> 'accounts')
        AS x (scope text, id text, start timestamptz, cap numeric) LOOP
        INSERT INTO budget_account AS t (scope, id, window_start, spent)
        VALUES (a.scope, a.id, a.start, v_more)
        ON CONFLICT (scope, id, window_start) DO UPDATE
           SET spent = t.spent + v_more,
               held = t.held - CASE WHEN a.cap IS NULL THEN 0 ELSE coalesce(v_held.amount, 0) END
        RETURNING t.spent INTO v_spent;
        v_all := v_all || v_spent;
    END LOOP;
    RETURN v_all;
END $$;

CREATE TABLE public.spend_daily (
    day date NOT NULL,
    key_id text NOT NULL,
    user_id text DEFAULT ''::text NOT NULL,
    model text NOT NULL,
    requests bigint NOT NULL,
    failed_requests bigint NOT NULL,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cache_read_tokens bigint NOT NULL,
    cache_write_5m_tokens bigint NOT NULL,
    cache_write_1h_tokens bigint NOT NULL,
    cost numeric NOT NULL,
    estimated_cost numeric NOT NULL
);

CREATE FUNCTION public.spend_between(p_from date, p_to date, p_key_id text, p_user_id text) RETURNS SETOF public.spend_daily
    LANGUAGE sql STABLE
    AS $$
    SELECT d.*
      FROM spend_daily d JOIN spend_day s ON s.day = d.day AND (s.dropped OR NOT s.stale)
     WHERE d.day BETWEEN p_from AND p_to
       AND (p_key_id IS NULL OR d.key_id = p_key_id)
       AND (p_user_id IS NULL OR d.user_id = p_user_id)
    UNION ALL
    SELECT g.day::date, l.*
      FROM generate_series(p_from::timestamp, least(p_to, utc_day(now()))::timestamp, '1 day')
           AS g (day)
      CROSS JOIN LATERAL (
          SELECT r.key_id, coalesce(r.user_id, ''), r.model, count(*),
                 count(*) FILTER (WHERE r.status >= 400), sum(r.input_tokens)::bigint,
                 sum(r.output_tokens)::bigint, sum(r.cache_read_tokens)::bigint,
                 sum(r.cache_write_5m_tokens)::bigint, sum(r.cache_write_1h_tokens)::bigint,
                 sum(r.cost), coalesce(sum(r.cost) FILTER (WHERE r.estimated), 0)
            FROM spend_log r
           WHERE r.started_at >= g.day AT TIME ZONE 'UTC'
             AND r.started_at < (g.day + interval '1 day') AT TIME ZONE 'UTC'
             AND (p_key_id IS NULL OR r.key_id = p_key_id)
             AND (p_user_id IS NULL OR r.user_id = p_user_id)
           GROUP BY r.key_id, coalesce(r.user_id, ''), r.model
      ) l
     WHERE NOT EXISTS (SELECT FROM spend_day s
                        WHERE s.day = g.day::date AND (s.dropped OR NOT s.stale))
$$;

CREATE FUNCTION public.spent_since(p_scope text, p_id text, p_start timestamp with time zone) RETURNS numeric
    LANGUAGE plpgsql STABLE
    AS $$
DECLARE
    v_model text := CASE WHEN p_scope LIKE '%_model' THEN split_part(p_id, '/', 1) END;
    v_id text := CASE WHEN v_model IS NULL THEN p_id ELSE substr(p_id, length(v_model) + 2) END;
    v_logged numeric;
    v_summed numeric;
BEGIN
    IF p_scope LIKE 'key%' THEN
        SELECT sum(cost) INTO v_logged FROM spend_log
         WHERE key_id = v_id AND started_at >= p_start AND (v_model IS NULL OR model = v_model);
        SELECT sum(cost) INTO v_summed FROM spend_daily JOIN spend_day USING (day)
         WHERE dropped AND key_id = v_id AND day >= utc_day(p_start)
           AND (v_model IS NULL OR model = v_model);
    ELSIF p_scope LIKE 'user%' THEN
        SELECT sum(cost) INTO v_logged FROM spend_log
         WHERE user_id = v_id AND started_at >= p_start AND (v_model IS NULL OR model = v_model);
        SELECT sum(cost) INTO v_summed FROM spend_daily JOIN spend_day USING (day)
         WHERE dropped AND user_id = v_id AND day >= utc_day(p_start)
           AND (v_model IS NULL OR model = v_model);
    ELSE
        SELECT sum(cost) INTO v_logged FROM spend_log
         WHERE started_at >= p_start AND (v_model IS NULL OR model = v_model);
        SELECT sum(cost) INTO v_summed FROM spend_daily JOIN spend_day USING (day)
         WHERE dropped AND day >= utc_day(p_start) AND (v_model IS NULL OR model = v_model);
    END IF;
    RETURN coalesce(v_logged, 0) + coalesce(v_summed, 0);
END $$;

CREATE FUNCTION public.stale_spend_days() RETURNS SETOF date
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.start_budget_windows(p_scope text, p_id text, p_windows jsonb) RETURNS void
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

CREATE FUNCTION public.summarise_spend(p_day date) RETURNS void
    LANGUAGE plpgsql
    AS $$
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

CREATE TABLE public.spend_tag_daily (
    day date NOT NULL,
    tag text NOT NULL,
    key_id text NOT NULL,
    requests bigint NOT NULL,
    tokens bigint NOT NULL,
    cost numeric NOT NULL
);

CREATE FUNCTION public.tags_between(p_from date, p_to date) RETURNS SETOF public.spend_tag_daily
    LANGUAGE sql STABLE
    AS $$
    SELECT d.*
      FROM spend_tag_daily d JOIN spend_day s ON s.day = d.day AND (s.dropped OR NOT s.stale)
     WHERE d.day BETWEEN p_from AND p_to
    UNION ALL
    SELECT g.day::date, l.*
      FROM generate_series(p_from::timestamp, least(p_to, utc_day(now()))::timestamp, '1 day')
           AS g (day)
      CROSS JOIN LATERAL (
          SELECT t.tag, r.key_id, count(*), sum(all_tokens(r))::bigint, sum(r.cost)
            FROM spend_log r CROSS JOIN unnest(r.tags) AS t (tag)
           WHERE r.started_at >= g.day AT TIME ZONE 'UTC'
             AND r.started_at < (g.day + interval '1 day') AT TIME ZONE 'UTC'
           GROUP BY t.tag, r.key_id
      ) l
     WHERE NOT EXISTS (SELECT FROM spend_day s
                        WHERE s.day = g.day::date AND (s.dropped OR NOT s.stale))
$$;

CREATE FUNCTION public.utc_day(p_at timestamp with time zone) RETURNS date
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT (p_at AT TIME ZONE 'UTC')::date $$;

CREATE TABLE public.api_key (
    key_hash text NOT NULL,
    key_name text NOT NULL,
    key_alias text,
    user_id text,
    models text[] DEFAULT '{}'::text[] NOT NULL,
    max_budget numeric,
    soft_budget numeric,
    budget_duration text,
    rpm_limit bigint,
    tpm_limit bigint,
    max_parallel_requests bigint,
    expires timestamp with time zone,
    blocked boolean DEFAULT false NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    guardrail text,
    key_id text NOT NULL,
    budget_id text,
    temp_budget_increase numeric,
    temp_budget_expiry timestamp with time zone,
    model_max_budget jsonb DEFAULT '{}'::jsonb NOT NULL,
    model_rpm_limit jsonb DEFAULT '{}'::jsonb NOT NULL,
    model_tpm_limit jsonb DEFAULT '{}'::jsonb NOT NULL,
    tags text[] DEFAULT '{}'::text[] NOT NULL,
    created_by text,
    CONSTRAINT api_key_increase_has_end CHECK (((temp_budget_increase IS NULL) = (temp_budget_expiry IS NULL))),
    CONSTRAINT api_key_key_hash_check CHECK ((key_hash ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT api_key_max_budget_check CHECK ((max_budget >= (0)::numeric)),
    CONSTRAINT api_key_max_parallel_requests_check CHECK ((max_parallel_requests >= 0)),
    CONSTRAINT api_key_rpm_limit_check CHECK ((rpm_limit >= 0)),
    CONSTRAINT api_key_soft_budget_check CHECK ((soft_budget >= (0)::numeric)),
    CONSTRAINT api_key_temp_budget_increase_check CHECK ((temp_budget_increase >= (0)::numeric)),
    CONSTRAINT api_key_tpm_limit_check CHECK ((tpm_limit >= 0))
);

CREATE TABLE public.audit_log (
    id bigint NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    actor text NOT NULL,
    request_id text,
    action text NOT NULL,
    object_type text NOT NULL,
    object_id text NOT NULL,
    before jsonb,
    after jsonb
);

ALTER TABLE public.audit_log ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.audit_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.beta_rule (
    model text NOT NULL,
    beta text NOT NULL,
    sent_as text
);

CREATE TABLE public.budget (
    budget_id text NOT NULL,
    max_budget numeric,
    soft_budget numeric,
    budget_duration text,
    rpm_limit bigint,
    tpm_limit bigint,
    max_parallel_requests bigint,
    model_max_budget jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT budget_max_budget_check CHECK ((max_budget >= (0)::numeric)),
    CONSTRAINT budget_max_parallel_requests_check CHECK ((max_parallel_requests >= 0)),
    CONSTRAINT budget_rpm_limit_check CHECK ((rpm_limit >= 0)),
    CONSTRAINT budget_soft_budget_check CHECK ((soft_budget >= (0)::numeric)),
    CONSTRAINT budget_tpm_limit_check CHECK ((tpm_limit >= 0))
);

CREATE TABLE public.budget_account (
    scope text NOT NULL,
    id text NOT NULL,
    window_start timestamp with time zone NOT NULL,
    spent numeric DEFAULT 0 NOT NULL,
    held numeric DEFAULT 0 NOT NULL,
    adjusted numeric DEFAULT 0 NOT NULL
)
WITH (fillfactor='50');

CREATE TABLE public.deleted_key (
    key_id text NOT NULL,
    key_name text NOT NULL,
    key_alias text,
    user_id text,
    deleted_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.gateway_instance (
    instance_id text NOT NULL,
    seen_at timestamp with time zone NOT NULL
);

CREATE TABLE public.gateway_user (
    user_id text NOT NULL,
    user_email text,
    user_alias text,
    user_role text DEFAULT 'internal_user'::text NOT NULL,
    models text[] DEFAULT '{}'::text[] NOT NULL,
    max_budget numeric,
    soft_budget numeric,
    budget_duration text,
    rpm_limit bigint,
    tpm_limit bigint,
    max_parallel_requests bigint,
    blocked boolean DEFAULT false NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    guardrail text,
    budget_id text,
    temp_budget_increase numeric,
    temp_budget_expiry timestamp with time zone,
    model_max_budget jsonb DEFAULT '{}'::jsonb NOT NULL,
    model_rpm_limit jsonb DEFAULT '{}'::jsonb NOT NULL,
    model_tpm_limit jsonb DEFAULT '{}'::jsonb NOT NULL,
    duplicate_email boolean DEFAULT false NOT NULL,
    CONSTRAINT gateway_user_increase_has_end CHECK (((temp_budget_increase IS NULL) = (temp_budget_expiry IS NULL))),
    CONSTRAINT gateway_user_max_budget_check CHECK ((max_budget >= (0)::numeric)),
    CONSTRAINT gateway_user_max_parallel_requests_check CHECK ((max_parallel_requests >= 0)),
    CONSTRAINT gateway_user_role_check CHECK ((user_role = ANY (ARRAY['proxy_admin'::text, 'proxy_admin_viewer'::text, 'internal_user'::text]))),
    CONSTRAINT gateway_user_rpm_limit_check CHECK ((rpm_limit >= 0)),
    CONSTRAINT gateway_user_soft_budget_check CHECK ((soft_budget >= (0)::numeric)),
    CONSTRAINT gateway_user_temp_budget_increase_check CHECK ((temp_budget_increase >= (0)::numeric)),
    CONSTRAINT gateway_user_tpm_limit_check CHECK ((tpm_limit >= 0))
);

CREATE TABLE public.late_spend (
    day date NOT NULL
);

CREATE TABLE public.limit_meter (
    scope text NOT NULL,
    id text NOT NULL,
    as_of timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    requests double precision DEFAULT 0 NOT NULL,
    tokens double precision DEFAULT 0 NOT NULL,
    in_flight bigint DEFAULT 0 NOT NULL
)
WITH (fillfactor='50');

CREATE TABLE public.operator_model (
    model_id text NOT NULL,
    model_name text NOT NULL,
    definition jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.reservation (
    request_id text NOT NULL,
    owner text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    key_id text CONSTRAINT reservation_key_hash_not_null NOT NULL,
    user_id text,
    model text NOT NULL,
    bedrock_id text NOT NULL,
    amount numeric NOT NULL,
    accounts jsonb DEFAULT '[]'::jsonb NOT NULL,
    limits jsonb DEFAULT '[]'::jsonb NOT NULL,
    tokens bigint DEFAULT 0 NOT NULL,
    CONSTRAINT reservation_amount_check CHECK ((amount >= (0)::numeric))
)
WITH (fillfactor='70');

CREATE TABLE public.retired_secret (
    key_hash text NOT NULL,
    key_id text NOT NULL,
    key_name text NOT NULL,
    good_until timestamp with time zone NOT NULL,
    CONSTRAINT retired_secret_key_hash_check CHECK ((key_hash ~ '^[0-9a-f]{64}$'::text))
);

CREATE TABLE public.schema_migration (
    name text NOT NULL,
    digest text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.spend_day (
    day date NOT NULL,
    stale boolean DEFAULT true NOT NULL,
    dropped boolean DEFAULT false NOT NULL,
    summarised_at timestamp with time zone,
    checked_at timestamp with time zone,
    findings jsonb
);

CREATE TABLE public.spend_log_rest (
    request_id text CONSTRAINT spend_log_request_id_not_null NOT NULL,
    started_at timestamp with time zone CONSTRAINT spend_log_started_at_not_null NOT NULL,
    finished_at timestamp with time zone CONSTRAINT spend_log_finished_at_not_null NOT NULL,
    key_id text CONSTRAINT spend_log_key_hash_not_null NOT NULL,
    user_id text,
    dialect text CONSTRAINT spend_log_dialect_not_null NOT NULL,
    model text CONSTRAINT spend_log_model_not_null NOT NULL,
    bedrock_id text CONSTRAINT spend_log_bedrock_id_not_null NOT NULL,
    input_tokens bigint CONSTRAINT spend_log_input_tokens_not_null NOT NULL,
    output_tokens bigint CONSTRAINT spend_log_output_tokens_not_null NOT NULL,
    cache_read_tokens bigint CONSTRAINT spend_log_cache_read_tokens_not_null NOT NULL,
    cache_write_5m_tokens bigint CONSTRAINT spend_log_cache_write_5m_tokens_not_null NOT NULL,
    cache_write_1h_tokens bigint CONSTRAINT spend_log_cache_write_1h_tokens_not_null NOT NULL,
    cost numeric CONSTRAINT spend_log_cost_not_null NOT NULL,
    estimated boolean CONSTRAINT spend_log_estimated_not_null NOT NULL,
    ending text CONSTRAINT spend_log_ending_not_null NOT NULL,
    status integer CONSTRAINT spend_log_status_not_null NOT NULL,
    stream boolean CONSTRAINT spend_log_stream_not_null NOT NULL,
    ttfb_ms integer,
    upstream_request_id text,
    session_id text,
    client text,
    latency_ms integer,
    error_code text,
    agent text,
    tags text[] DEFAULT '{}'::text[] CONSTRAINT spend_log_tags_not_null NOT NULL,
    input_cost numeric,
    output_cost numeric,
    cache_read_cost numeric,
    cache_write_5m_cost numeric,
    cache_write_1h_cost numeric,
    guardrail_cost numeric
);

ALTER TABLE ONLY public.spend_log ATTACH PARTITION public.spend_log_rest DEFAULT;

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_key_alias_key UNIQUE (key_alias);

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_key_id_key UNIQUE (key_id);

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_pkey PRIMARY KEY (key_hash);

ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.beta_rule
    ADD CONSTRAINT beta_rule_pkey PRIMARY KEY (model, beta);

ALTER TABLE ONLY public.budget_account
    ADD CONSTRAINT budget_account_pkey PRIMARY KEY (scope, id, window_start);

ALTER TABLE ONLY public.budget
    ADD CONSTRAINT budget_pkey PRIMARY KEY (budget_id);

ALTER TABLE ONLY public.deleted_key
    ADD CONSTRAINT deleted_key_pkey PRIMARY KEY (key_id);

ALTER TABLE ONLY public.gateway_instance
    ADD CONSTRAINT gateway_instance_pkey PRIMARY KEY (instance_id);

ALTER TABLE ONLY public.gateway_user
    ADD CONSTRAINT gateway_user_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY public.limit_meter
    ADD CONSTRAINT limit_meter_pkey PRIMARY KEY (scope, id);

ALTER TABLE ONLY public.operator_model
    ADD CONSTRAINT operator_model_model_name_key UNIQUE (model_name);

ALTER TABLE ONLY public.operator_model
    ADD CONSTRAINT operator_model_pkey PRIMARY KEY (model_id);

ALTER TABLE ONLY public.reservation
    ADD CONSTRAINT reservation_pkey PRIMARY KEY (request_id);

ALTER TABLE ONLY public.retired_secret
    ADD CONSTRAINT retired_secret_pkey PRIMARY KEY (key_hash);

ALTER TABLE ONLY public.schema_migration
    ADD CONSTRAINT schema_migration_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.spend_daily
    ADD CONSTRAINT spend_daily_pkey PRIMARY KEY (day, key_id, user_id, model);

ALTER TABLE ONLY public.spend_day
    ADD CONSTRAINT spend_day_pkey PRIMARY KEY (day);

ALTER TABLE ONLY public.spend_log
    ADD CONSTRAINT spend_log_pkey PRIMARY KEY (started_at, request_id);

ALTER TABLE ONLY public.spend_log_rest
    ADD CONSTRAINT spend_log_rest_pkey PRIMARY KEY (started_at, request_id);

ALTER TABLE ONLY public.spend_session_daily
    ADD CONSTRAINT spend_session_daily_pkey PRIMARY KEY (day, session_id, key_id, user_id);

ALTER TABLE ONLY public.spend_tag_daily
    ADD CONSTRAINT spend_tag_daily_pkey PRIMARY KEY (day, tag, key_id);

CREATE INDEX api_key_budget_id ON public.api_key USING btree (budget_id) WHERE (budget_id IS NOT NULL);

CREATE INDEX api_key_user_id ON public.api_key USING btree (user_id);

CREATE INDEX audit_log_actor ON public.audit_log USING btree (actor, id);

CREATE INDEX audit_log_object ON public.audit_log USING btree (object_type, object_id, id);

CREATE INDEX gateway_user_budget_id ON public.gateway_user USING btree (budget_id) WHERE (budget_id IS NOT NULL);

CREATE INDEX gateway_user_email ON public.gateway_user USING btree (lower(user_email));

CREATE UNIQUE INDEX gateway_user_one_per_email ON public.gateway_user USING btree (lower(btrim(user_email))) WHERE (NOT duplicate_email);

CREATE INDEX reservation_owner ON public.reservation USING btree (owner);

CREATE INDEX retired_secret_key_id ON public.retired_secret USING btree (key_id);

CREATE INDEX spend_daily_key ON public.spend_daily USING btree (key_id, day);

CREATE INDEX spend_daily_user ON public.spend_daily USING btree (user_id, day);

CREATE INDEX spend_log_key ON ONLY public.spend_log USING btree (key_id, started_at);

CREATE INDEX spend_log_rest_key_hash_started_at_idx ON public.spend_log_rest USING btree (key_id, started_at);

CREATE INDEX spend_log_session ON ONLY public.spend_log USING btree (session_id, started_at) WHERE (session_id IS NOT NULL);

CREATE INDEX spend_log_rest_session_id_started_at_idx ON public.spend_log_rest USING btree (session_id, started_at) WHERE (session_id IS NOT NULL);

CREATE INDEX spend_log_user ON ONLY public.spend_log USING btree (user_id, started_at);

CREATE INDEX spend_log_rest_user_id_started_at_idx ON public.spend_log_rest USING btree (user_id, started_at);

CREATE INDEX spend_session_daily_key ON public.spend_session_daily USING btree (key_id, day);

ALTER INDEX public.spend_log_key ATTACH PARTITION public.spend_log_rest_key_hash_started_at_idx;

ALTER INDEX public.spend_log_pkey ATTACH PARTITION public.spend_log_rest_pkey;

ALTER INDEX public.spend_log_session ATTACH PARTITION public.spend_log_rest_session_id_started_at_idx;

ALTER INDEX public.spend_log_user ATTACH PARTITION public.spend_log_rest_user_id_started_at_idx;

CREATE TRIGGER announce_key_change AFTER INSERT OR DELETE OR UPDATE ON public.api_key FOR EACH ROW EXECUTE FUNCTION public.announce_key_change();

CREATE TRIGGER announce_key_change AFTER DELETE OR UPDATE ON public.budget FOR EACH ROW EXECUTE FUNCTION public.announce_key_change();

CREATE TRIGGER announce_key_change AFTER DELETE OR UPDATE ON public.gateway_user FOR EACH ROW EXECUTE FUNCTION public.announce_key_change();

CREATE TRIGGER announce_key_change AFTER INSERT OR DELETE OR UPDATE ON public.retired_secret FOR EACH ROW EXECUTE FUNCTION public.announce_key_change();

CREATE TRIGGER announce_model_change AFTER INSERT OR DELETE OR UPDATE ON public.beta_rule FOR EACH STATEMENT EXECUTE FUNCTION public.announce_model_change();

CREATE TRIGGER announce_model_change AFTER INSERT OR DELETE OR UPDATE ON public.operator_model FOR EACH STATEMENT EXECUTE FUNCTION public.announce_model_change();

CREATE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE ON public.api_key FOR EACH ROW EXECUTE FUNCTION public.audit('key_id');

CREATE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE ON public.beta_rule FOR EACH ROW EXECUTE FUNCTION public.audit('model');

CREATE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE ON public.budget FOR EACH ROW EXECUTE FUNCTION public.audit('budget_id');

CREATE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE ON public.gateway_user FOR EACH ROW EXECUTE FUNCTION public.audit('user_id');

CREATE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE ON public.operator_model FOR EACH ROW EXECUTE FUNCTION public.audit('model_name');

CREATE TRIGGER end_duplicate_email BEFORE UPDATE OF user_email ON public.gateway_user FOR EACH ROW WHEN ((lower(btrim(old.user_email)) IS DISTINCT FROM lower(btrim(new.user_email)))) EXECUTE FUNCTION public.end_duplicate_email();

CREATE TRIGGER kept_for_90_days BEFORE DELETE ON public.audit_log FOR EACH ROW WHEN ((old.at > (now() - '90 days'::interval))) EXECUTE FUNCTION public.refuse_to_forget();

CREATE TRIGGER name_key BEFORE INSERT OR UPDATE OF key_hash ON public.api_key FOR EACH ROW EXECUTE FUNCTION public.name_key();

CREATE TRIGGER only_ever_added_to BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_log FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER remember_deleted_key AFTER DELETE ON public.api_key FOR EACH ROW EXECUTE FUNCTION public.remember_deleted_key();

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_budget_id_fkey FOREIGN KEY (budget_id) REFERENCES public.budget(budget_id);

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.gateway_user(user_id);

ALTER TABLE ONLY public.gateway_user
    ADD CONSTRAINT gateway_user_budget_id_fkey FOREIGN KEY (budget_id) REFERENCES public.budget(budget_id);

ALTER TABLE ONLY public.retired_secret
    ADD CONSTRAINT retired_secret_key_id_fkey FOREIGN KEY (key_id) REFERENCES public.api_key(key_id) ON DELETE CASCADE;
