-- Users, keys, the budget ledger and the spend log.

CREATE TABLE gateway_user (
    user_id               text        PRIMARY KEY,
    user_email            text,
    user_alias            text,
    user_role             text        NOT NULL DEFAULT 'internal_user',
    models                text[]      NOT NULL DEFAULT '{}',
    max_budget            numeric     CHECK (max_budget >= 0),
    soft_budget           numeric     CHECK (soft_budget >= 0),
    budget_duration       text,
    rpm_limit             bigint      CHECK (rpm_limit >= 0),
    tpm_limit             bigint      CHECK (tpm_limit >= 0),
    max_parallel_requests bigint      CHECK (max_parallel_requests >= 0),
    blocked               boolean     NOT NULL DEFAULT false,
    metadata              jsonb       NOT NULL DEFAULT '{}',
    created_at            timestamptz NOT NULL DEFAULT now(),
    updated_at            timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE api_key (
    key_hash              text        PRIMARY KEY CHECK (key_hash ~ '^[0-9a-f]{64}$'),
    key_name              text        NOT NULL,
    key_alias             text        UNIQUE,
    user_id               text        REFERENCES gateway_user,
    models                text[]      NOT NULL DEFAULT '{}',
    max_budget            numeric     CHECK (max_budget >= 0),
    soft_budget           numeric     CHECK (soft_budget >= 0),
    budget_duration       text,
    rpm_limit             bigint      CHECK (rpm_limit >= 0),
    tpm_limit             bigint      CHECK (tpm_limit >= 0),
    max_parallel_requests bigint      CHECK (max_parallel_requests >= 0),
    expires               timestamptz,
    blocked               boolean     NOT NULL DEFAULT false,
    metadata              jsonb       NOT NULL DEFAULT '{}',
    created_at            timestamptz NOT NULL DEFAULT now(),
    updated_at            timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX api_key_user_id ON api_key (user_id);

-- Money by scope and window. A window is named by its start; a lifetime starts at the epoch.
CREATE TABLE budget_account (
    scope        text        NOT NULL CHECK (scope IN ('key', 'user', 'global')),
    id           text        NOT NULL,
    window_start timestamptz NOT NULL,
    spent        numeric     NOT NULL DEFAULT 0,
    held         numeric     NOT NULL DEFAULT 0,
    PRIMARY KEY (scope, id, window_start)
) WITH (fillfactor = 50);  -- leaves room for updates in place

-- Requests in flight, each with what it holds in the accounts that have a cap.
CREATE TABLE reservation (
    request_id  text          PRIMARY KEY,
    owner       text          NOT NULL,
    started_at  timestamptz   NOT NULL,
    key_hash    text          NOT NULL,
    user_id     text,
    model       text          NOT NULL,
    bedrock_id  text          NOT NULL,
    scopes      text[]        NOT NULL,
    ids         text[]        NOT NULL,
    windows     timestamptz[] NOT NULL,
    caps        numeric[]     NOT NULL,
    amount      numeric       NOT NULL CHECK (amount >= 0)
) WITH (fillfactor = 70);

CREATE INDEX reservation_owner ON reservation (owner);

CREATE TABLE gateway_instance (
    instance_id text        PRIMARY KEY,
    seen_at     timestamptz NOT NULL
);

CREATE TABLE spend_log (
    request_id            text        NOT NULL,
    started_at            timestamptz NOT NULL,
    finished_at           timestamptz NOT NULL,
    key_hash              text        NOT NULL,
    user_id               text,
    dialect               text        NOT NULL,
    model                 text        NOT NULL,
    bedrock_id            text        NOT NULL,
    input_tokens          bigint      NOT NULL,
    output_tokens         bigint      NOT NULL,
    cache_read_tokens     bigint      NOT NULL,
    cache_write_5m_tokens bigint      NOT NULL,
    cache_write_1h_tokens bigint      NOT NULL,
    cost                  numeric     NOT NULL,
    estimated             boolean     NOT NULL,
    ending                text        NOT NULL,
    status                integer     NOT NULL,
    stream                boolean     NOT NULL,
    ttfb_ms               integer,
    upstream_request_id   text,
    session_id            text,
    client                text,
    PRIMARY KEY (started_at, request_id)
) PARTITION BY RANGE (started_at);

CREATE INDEX spend_log_key ON spend_log (key_hash, started_at);
CREATE INDEX spend_log_user ON spend_log (user_id, started_at);

-- Takes rows of days that no partition was made for, so that none is ever refused.
CREATE TABLE spend_log_rest PARTITION OF spend_log DEFAULT;

-- Made days ahead, so a day that cannot be had now may wait: while a long query reads the log, all
-- that write to it would queue behind this. A day that has rows in the rest stays there.
CREATE FUNCTION make_spend_partitions(p_first date, p_days integer) RETURNS void
LANGUAGE plpgsql AS $$
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

-- Sets what a request holds to p_amount in each of its capped accounts and returns the least that
-- any of them has left, and which one (1-based) has the largest share of its cap spent; or changes
-- nothing and returns the first one that refused.
-- p_grows is for a request that holds something already; if it was settled meanwhile, all stays.
-- Accounts come in the order key, user, global: the same everywhere, so that no two calls deadlock,
-- and the row that everybody shares is locked last.
CREATE FUNCTION hold_budget(
    p_request_id text, p_owner text, p_started_at timestamptz, p_key_hash text, p_user_id text,
    p_model text, p_bedrock_id text,
    p_scopes text[], p_ids text[], p_windows timestamptz[], p_caps numeric[], p_amount numeric,
    p_grows boolean
) RETURNS TABLE (
    refused_by integer, account_spent numeric, account_held numeric, account_left numeric,
    fullest integer, fullest_spent numeric
)
LANGUAGE plpgsql AS $$
DECLARE
    v_more numeric := p_amount;
    v_before numeric;
BEGIN
    -- A hold that a crash of the database loses is a request that it cut off anyway.
    PERFORM set_config('synchronous_commit', 'off', true);
    SELECT r.amount INTO v_before FROM reservation r
     WHERE r.request_id = p_request_id FOR UPDATE;
    IF FOUND THEN
        v_more := p_amount - v_before;
    ELSIF p_grows THEN
        RETURN NEXT;
        RETURN;
    END IF;
    FOR i IN 1 .. cardinality(p_scopes) LOOP
        CONTINUE WHEN p_caps[i] IS NULL;
        SELECT a.spent, a.held INTO account_spent, account_held FROM budget_account a
         WHERE a.scope = p_scopes[i] AND a.id = p_ids[i] AND a.window_start = p_windows[i]
           FOR UPDATE;
        IF NOT FOUND THEN
            INSERT INTO budget_account (scope, id, window_start)
            VALUES (p_scopes[i], p_ids[i], p_windows[i]) ON CONFLICT DO NOTHING;
            SELECT a.spent, a.held INTO account_spent, account_held FROM budget_account a
             WHERE a.scope = p_scopes[i] AND a.id = p_ids[i] AND a.window_start = p_windows[i]
               FOR UPDATE;
        END IF;
        IF v_more > 0 AND account_spent + account_held + v_more > p_caps[i] THEN
            refused_by := i;
            RETURN NEXT;
            RETURN;
        END IF;
        account_left := least(account_left, p_caps[i] - account_spent - account_held - v_more);
        IF fullest IS NULL OR account_spent * p_caps[fullest] > fullest_spent * p_caps[i] THEN
            fullest := i;
            fullest_spent := account_spent;
        END IF;
    END LOOP;
    FOR i IN 1 .. cardinality(p_scopes) LOOP
        CONTINUE WHEN p_caps[i] IS NULL;
        UPDATE budget_account a SET held = a.held + v_more
         WHERE a.scope = p_scopes[i] AND a.id = p_ids[i] AND a.window_start = p_windows[i];
    END LOOP;
    INSERT INTO reservation VALUES (
        p_request_id, p_owner, p_started_at, p_key_hash, p_user_id, p_model, p_bedrock_id,
        p_scopes, p_ids, p_windows, p_caps, p_amount)
    ON CONFLICT (request_id) DO UPDATE SET amount = excluded.amount;
    RETURN NEXT;
END $$;

-- Ends a request: its hold goes, its cost is added to all of its accounts, its row enters the log.
-- A repetition changes nothing; the real figures replace those that the janitor guessed.
CREATE FUNCTION settle_request(
    p_row spend_log,
    p_scopes text[], p_ids text[], p_windows timestamptz[], p_caps numeric[]
) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_released numeric;
    v_more numeric := p_row.cost;
    v_logged spend_log;
BEGIN
    DELETE FROM reservation WHERE request_id = p_row.request_id RETURNING amount INTO v_released;
    INSERT INTO spend_log SELECT p_row.* ON CONFLICT (started_at, request_id) DO NOTHING;
    IF NOT FOUND THEN
        SELECT * INTO v_logged FROM spend_log
         WHERE started_at = p_row.started_at AND request_id = p_row.request_id FOR UPDATE;
        IF v_logged.ending = 'owner_lost' AND p_row.ending <> 'owner_lost' THEN
            v_more := p_row.cost - v_logged.cost;
            DELETE FROM spend_log
             WHERE started_at = p_row.started_at AND request_id = p_row.request_id;
            INSERT INTO spend_log SELECT p_row.*;
        ELSE
            v_more := 0;
        END IF;
    END IF;
    FOR i IN 1 .. cardinality(p_scopes) LOOP
        INSERT INTO budget_account AS a (scope, id, window_start, spent)
        VALUES (p_scopes[i], p_ids[i], p_windows[i], v_more)
        ON CONFLICT (scope, id, window_start) DO UPDATE
           SET spent = a.spent + v_more,
               held = a.held
                    - CASE WHEN p_caps[i] IS NULL THEN 0 ELSE coalesce(v_released, 0) END;
    END LOOP;
END $$;

-- Tells every gateway which cached keys are out of date.
CREATE FUNCTION announce_key_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'api_key' THEN
        PERFORM pg_notify('gateway_key', coalesce(new.key_hash, old.key_hash));
    ELSE
        PERFORM pg_notify('gateway_key', k.key_hash) FROM api_key k
         WHERE k.user_id = coalesce(new.user_id, old.user_id);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER announce_key_change AFTER INSERT OR UPDATE OR DELETE ON api_key
    FOR EACH ROW EXECUTE FUNCTION announce_key_change();
CREATE TRIGGER announce_key_change AFTER UPDATE OR DELETE ON gateway_user
    FOR EACH ROW EXECUTE FUNCTION announce_key_change();
