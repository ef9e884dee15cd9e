-- Limits on speed, budgets by model, and an account of spend that outlives its log.

ALTER TABLE budget_account
    DROP CONSTRAINT budget_account_scope_check,
    ADD CHECK (scope IN ('key_model', 'key', 'user_model', 'user', 'global_model', 'global')),
    -- The part of `spent` that is in no log of ours: brought from elsewhere, or forgiven.
    ADD COLUMN adjusted numeric NOT NULL DEFAULT 0;

-- Token buckets, by how full they are at as_of; they leak at the limit's rate.
CREATE TABLE limit_meter (
    scope     text             NOT NULL
              CHECK (scope IN ('key_model', 'key', 'user_model', 'user', 'model')),
    id        text             NOT NULL,
    as_of     timestamptz      NOT NULL DEFAULT clock_timestamp(),
    requests  double precision NOT NULL DEFAULT 0,
    tokens    double precision NOT NULL DEFAULT 0,
    in_flight bigint           NOT NULL DEFAULT 0,
    PRIMARY KEY (scope, id)
) WITH (fillfactor = 50);

ALTER TABLE reservation RENAME COLUMN key_hash TO key_id;
ALTER TABLE reservation
    ADD COLUMN accounts jsonb  NOT NULL DEFAULT '[]',
    ADD COLUMN limits   jsonb  NOT NULL DEFAULT '[]',
    ADD COLUMN tokens   bigint NOT NULL DEFAULT 0;
UPDATE reservation r SET accounts = (
    SELECT jsonb_agg(jsonb_build_object('scope', scope, 'id', id, 'start', start, 'cap', cap::text))
      FROM unnest(r.scopes, r.ids, r.windows, r.caps) AS u (scope, id, start, cap));
ALTER TABLE reservation DROP scopes, DROP ids, DROP windows, DROP caps;

-- Booked under what a key is for good, whatever its secret is.
ALTER TABLE spend_log RENAME COLUMN key_hash TO key_id;
ALTER TABLE spend_log
    ADD COLUMN latency_ms          integer,
    ADD COLUMN error_code          text,
    ADD COLUMN agent               text,
    ADD COLUMN tags                text[] NOT NULL DEFAULT '{}',
    -- The parts of `cost`; NULL where it is an estimate that was made without counts.
    ADD COLUMN input_cost          numeric,
    ADD COLUMN output_cost         numeric,
    ADD COLUMN cache_read_cost     numeric,
    ADD COLUMN cache_write_5m_cost numeric,
    ADD COLUMN cache_write_1h_cost numeric,
    ADD COLUMN guardrail_cost      numeric;

CREATE INDEX spend_log_session ON spend_log (session_id, started_at) WHERE session_id IS NOT NULL;

-- What is known of past days (UTC): whether the summaries hold all that the log does, and whether
-- the log was given up. `findings` is the daily check's.
CREATE TABLE spend_day (
    day           date        PRIMARY KEY,
    stale         boolean     NOT NULL DEFAULT true,
    dropped       boolean     NOT NULL DEFAULT false,
    summarised_at timestamptz,
    checked_at    timestamptz,
    findings      jsonb
);

CREATE TABLE spend_daily (
    day                   date    NOT NULL,
    key_id                text    NOT NULL,
    user_id               text    NOT NULL DEFAULT '',
    model                 text    NOT NULL,
    requests              bigint  NOT NULL,
    failed_requests       bigint  NOT NULL,
    input_tokens          bigint  NOT NULL,
    output_tokens         bigint  NOT NULL,
    cache_read_tokens     bigint  NOT NULL,
    cache_write_5m_tokens bigint  NOT NULL,
    cache_write_1h_tokens bigint  NOT NULL,
    cost                  numeric NOT NULL,
    estimated_cost        numeric NOT NULL,
    PRIMARY KEY (day, key_id, user_id, model)
);

CREATE INDEX spend_daily_key ON spend_daily (key_id, day);
CREATE INDEX spend_daily_user ON spend_daily (user_id, day);

CREATE TABLE spend_session_daily (
    day        date        NOT NULL,
    session_id text        NOT NULL,
    key_id     text        NOT NULL,
    user_id    text        NOT NULL DEFAULT '',
    first_at   timestamptz NOT NULL,
    last_at    timestamptz NOT NULL,
    requests   bigint      NOT NULL,
    tokens     bigint      NOT NULL,
    cost       numeric     NOT NULL,
    PRIMARY KEY (day, session_id, key_id, user_id)
);

CREATE INDEX spend_session_daily_key ON spend_session_daily (key_id, day);

CREATE TABLE spend_tag_daily (
    day      date    NOT NULL,
    tag      text    NOT NULL,
    key_id   text    NOT NULL,
    requests bigint  NOT NULL,
    tokens   bigint  NOT NULL,
    cost     numeric NOT NULL,
    PRIMARY KEY (day, tag, key_id)
);

CREATE FUNCTION utc_day(p_at timestamptz) RETURNS date
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT (p_at AT TIME ZONE 'UTC')::date $$;

CREATE FUNCTION all_tokens(r spend_log) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT r.input_tokens + r.output_tokens + r.cache_read_tokens + r.cache_write_5m_tokens
         + r.cache_write_1h_tokens
$$;

-- Adds rows of the log to the summaries: those of one day, or of it a single request.
CREATE FUNCTION add_to_summaries(p_day date, p_request_id text) RETURNS void
LANGUAGE plpgsql AS $$
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

-- Summarises a past day anew from its log. Whoever books on that day meanwhile waits for the row
-- of spend_day and then marks it stale, so nothing is missed for good.
CREATE FUNCTION summarise_spend(p_day date) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO spend_day (day) VALUES (p_day) ON CONFLICT DO NOTHING;
    PERFORM FROM spend_day WHERE day = p_day AND stale AND NOT dropped FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    DELETE FROM spend_daily WHERE day = p_day;
    DELETE FROM spend_session_daily WHERE day = p_day;
    DELETE FROM spend_tag_daily WHERE day = p_day;
    PERFORM add_to_summaries(p_day, NULL);
    UPDATE spend_day SET stale = false, summarised_at = now() WHERE day = p_day;
END $$;

-- Past days whose summaries are not what the log says. The five minutes let those settle who began
-- to before midnight.
CREATE FUNCTION stale_spend_days() RETURNS SETOF date
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
    RETURN QUERY SELECT day FROM spend_day
                  WHERE stale AND NOT dropped AND day < utc_day(now() - interval '5 minutes')
                  ORDER BY day;
END $$;

-- A request of a day that is over was booked.
CREATE FUNCTION note_late_spend(p_day date, p_request_id text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_dropped boolean;
BEGIN
    INSERT INTO spend_day AS d (day) VALUES (p_day)
    ON CONFLICT (day) DO UPDATE SET stale = NOT d.dropped
    RETURNING dropped INTO v_dropped;
    IF v_dropped THEN
        PERFORM add_to_summaries(p_day, p_request_id);
    END IF;
END $$;

-- Gives up the log of days before p_day that are summarised; the oldest first, a few at a time.
CREATE FUNCTION drop_spend_before(p_day date) RETURNS integer
LANGUAGE plpgsql AS $$
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

-- Spend by day, of one key or user or of all: whole days by their summaries, others by the log.
CREATE FUNCTION spend_between(p_from date, p_to date, p_key_id text, p_user_id text)
RETURNS SETOF spend_daily
LANGUAGE sql STABLE AS $$
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

-- The same by session.
CREATE FUNCTION sessions_between(p_from date, p_to date, p_key_id text)
RETURNS SETOF spend_session_daily
LANGUAGE sql STABLE AS $$
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

-- The same by tag.
CREATE FUNCTION tags_between(p_from date, p_to date)
RETURNS SETOF spend_tag_daily
LANGUAGE sql STABLE AS $$
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

-- What an account's owner spent since then, by the log, and by the summaries of days whose log was
-- given up. Ids of accounts by model are `model/id`.
CREATE FUNCTION spent_since(p_scope text, p_id text, p_start timestamptz) RETURNS numeric
LANGUAGE plpgsql STABLE AS $$
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

-- Budgets that are new or have another window start from what was spent in it already.
-- p_accounts: [{"scope", "id", "start"}], in the order key_model, key, user_model, user.
CREATE FUNCTION open_budget_windows(p_accounts jsonb) RETURNS void
LANGUAGE plpgsql AS $$
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

-- Where the log of a day, its summaries and the counters of budgets do not agree; no row if all do.
-- p_windows: the present windows, [{"scope", "id", "start"}].
CREATE FUNCTION check_spend(p_day date, p_windows jsonb)
RETURNS TABLE (what text, scope text, id text, logged numeric, counted numeric)
LANGUAGE sql STABLE AS $$
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

DROP FUNCTION hold_budget;
DROP FUNCTION settle_request;

-- Lets a request in, or lets what it holds grow; or changes nothing and says what is in the way.
-- p_hold: request_id, owner, started_at, key_id, user_id, model, bedrock_id, amount, tokens, grows;
-- accounts [{scope, id, start, cap, soft}] and limits [{scope, id, rpm, tpm, parallel}].
-- Rows are locked in the order of these lists, which is the same everywhere: meters first, then
-- accounts, so that no two calls deadlock and the rows that all share are locked last.
-- spent and held have an element for each account, requests and tokens for each limit, up to the
-- one that refused; held is NULL where there is no cap.
CREATE FUNCTION hold_budget(p_hold jsonb) RETURNS TABLE (
    refused_by integer, limited_by integer, limited_kind text, wait_seconds double precision,
    spent numeric[], held numeric[], requests double precision[], tokens double precision[]
)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_request_id text := p_hold ->> 'request_id';
    v_amount numeric := (p_hold ->> 'amount')::numeric;
    v_tokens bigint := (p_hold ->> 'tokens')::bigint;
    v_more numeric := v_amount;
    v_before numeric;
    v_known boolean;
    v_now timestamptz;
    v_elapsed double precision;
    a record;
    m limit_meter;
    b budget_account;
    i integer := 0;
    v_requests double precision[] := '{}';
    v_metered double precision[] := '{}';
BEGIN
    -- A hold that a crash of the database loses is a request that it cut off anyway.
    PERFORM set_config('synchronous_commit', 'off', true);
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
        b := NULL;
        IF a.cap IS NOT NULL THEN
            SELECT * INTO b FROM budget_account t
             WHERE t.scope = a.scope AND t.id = a.id AND t.window_start = a.start FOR UPDATE;
            IF NOT FOUND THEN
                INSERT INTO budget_account (scope, id, window_start)
                VALUES (a.scope, a.id, a.start) ON CONFLICT DO NOTHING;
                SELECT * INTO b FROM budget_account t
                 WHERE t.scope = a.scope AND t.id = a.id AND t.window_start = a.start FOR UPDATE;
            END IF;
            IF v_more > 0 AND b.spent + b.held + v_more > a.cap THEN
                refused_by := i;
            ELSE
                b.held := b.held + v_more;
            END IF;
        ELSIF a.soft IS NOT NULL THEN
            SELECT t.spent INTO b.spent FROM budget_account t
             WHERE t.scope = a.scope AND t.id = a.id AND t.window_start = a.start;
        END IF;
        spent := spent || b.spent;
        held := held || b.held;
        IF refused_by IS NOT NULL THEN
            RETURN NEXT;
            RETURN;
        END IF;
    END LOOP;
    IF v_more <> 0 THEN
        UPDATE budget_account t SET held = t.held + v_more
          FROM jsonb_to_recordset(p_hold -> 'accounts')
               AS x (scope text, id text, start timestamptz, cap numeric)
         WHERE x.cap IS NOT NULL
           AND t.scope = x.scope AND t.id = x.id AND t.window_start = x.start;
    END IF;
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

-- Ends a request: its hold goes, its cost is added to all of its accounts, its row enters the log.
-- A repetition changes nothing; the real figures replace those that the janitor guessed.
-- p_end: row (a row of spend_log) and accounts [{scope, id, start, cap}]. Returns what is spent in
-- each account now.
CREATE FUNCTION settle_request(p_end jsonb) RETURNS numeric[]
LANGUAGE plpgsql AS $$
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
