-- What the migrations add up to. Made by `python -m app.local.schema`; never applied.


CREATE FUNCTION public.announce_key_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_TABLE_NAME = 'api_key' THEN
        PERFORM pg_notify('gateway_key', coalesce(new.key_hash, old.key_hash));
    ELSE
        PERFORM pg_notify('gateway_key', k.key_hash) FROM api_key k
         WHERE k.user_id = coalesce(new.user_id, old.user_id);
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

CREATE FUNCTION public.hold_budget(p_request_id text, p_owner text, p_started_at timestamp with time zone, p_key_hash text, p_user_id text, p_model text, p_bedrock_id text, p_scopes text[], p_ids text[], p_windows timestamp with time zone[], p_caps numeric[], p_amount numeric, p_grows boolean) RETURNS TABLE(refused_by integer, account_spent numeric, account_held numeric, account_left numeric, fullest integer, fullest_spent numeric)
    LANGUAGE plpgsql
    AS $$
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

CREATE TABLE public.spend_log (
    request_id text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone NOT NULL,
    key_hash text NOT NULL,
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
    client text
)
PARTITION BY RANGE (started_at);

CREATE FUNCTION public.settle_request(p_row public.spend_log, p_scopes text[], p_ids text[], p_windows timestamp with time zone[], p_caps numeric[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
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
    CONSTRAINT api_key_key_hash_check CHECK ((key_hash ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT api_key_max_budget_check CHECK ((max_budget >= (0)::numeric)),
    CONSTRAINT api_key_max_parallel_requests_check CHECK ((max_parallel_requests >= 0)),
    CONSTRAINT api_key_rpm_limit_check CHECK ((rpm_limit >= 0)),
    CONSTRAINT api_key_soft_budget_check CHECK ((soft_budget >= (0)::numeric)),
    CONSTRAINT api_key_tpm_limit_check CHECK ((tpm_limit >= 0))
);

CREATE TABLE public.beta_rule (
    model text NOT NULL,
    beta text NOT NULL,
    sent_as text
);

CREATE TABLE public.budget_account (
    scope text NOT NULL,
    id text NOT NULL,
    window_start timestamp with time zone NOT NULL,
    spent numeric DEFAULT 0 NOT NULL,
    held numeric DEFAULT 0 NOT NULL,
    CONSTRAINT budget_account_scope_check CHECK ((scope = ANY (ARRAY['key'::text, 'user'::text, 'global'::text])))
)
WITH (fillfactor='50');

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
    CONSTRAINT gateway_user_max_budget_check CHECK ((max_budget >= (0)::numeric)),
    CONSTRAINT gateway_user_max_parallel_requests_check CHECK ((max_parallel_requests >= 0)),
    CONSTRAINT gateway_user_rpm_limit_check CHECK ((rpm_limit >= 0)),
    CONSTRAINT gateway_user_soft_budget_check CHECK ((soft_budget >= (0)::numeric)),
    CONSTRAINT gateway_user_tpm_limit_check CHECK ((tpm_limit >= 0))
);

CREATE TABLE public.reservation (
    request_id text NOT NULL,
    owner text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    key_hash text NOT NULL,
    user_id text,
    model text NOT NULL,
    bedrock_id text NOT NULL,
    scopes text[] NOT NULL,
    ids text[] NOT NULL,
    windows timestamp with time zone[] NOT NULL,
    caps numeric[] NOT NULL,
    amount numeric NOT NULL,
    CONSTRAINT reservation_amount_check CHECK ((amount >= (0)::numeric))
)
WITH (fillfactor='70');

CREATE TABLE public.schema_migration (
    name text NOT NULL,
    digest text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.spend_log_rest (
    request_id text CONSTRAINT spend_log_request_id_not_null NOT NULL,
    started_at timestamp with time zone CONSTRAINT spend_log_started_at_not_null NOT NULL,
    finished_at timestamp with time zone CONSTRAINT spend_log_finished_at_not_null NOT NULL,
    key_hash text CONSTRAINT spend_log_key_hash_not_null NOT NULL,
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
    client text
);

ALTER TABLE ONLY public.spend_log ATTACH PARTITION public.spend_log_rest DEFAULT;

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_key_alias_key UNIQUE (key_alias);

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_pkey PRIMARY KEY (key_hash);

ALTER TABLE ONLY public.beta_rule
    ADD CONSTRAINT beta_rule_pkey PRIMARY KEY (model, beta);

ALTER TABLE ONLY public.budget_account
    ADD CONSTRAINT budget_account_pkey PRIMARY KEY (scope, id, window_start);

ALTER TABLE ONLY public.gateway_instance
    ADD CONSTRAINT gateway_instance_pkey PRIMARY KEY (instance_id);

ALTER TABLE ONLY public.gateway_user
    ADD CONSTRAINT gateway_user_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY public.reservation
    ADD CONSTRAINT reservation_pkey PRIMARY KEY (request_id);

ALTER TABLE ONLY public.schema_migration
    ADD CONSTRAINT schema_migration_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.spend_log
    ADD CONSTRAINT spend_log_pkey PRIMARY KEY (started_at, request_id);

ALTER TABLE ONLY public.spend_log_rest
    ADD CONSTRAINT spend_log_rest_pkey PRIMARY KEY (started_at, request_id);

CREATE INDEX api_key_user_id ON public.api_key USING btree (user_id);

CREATE INDEX reservation_owner ON public.reservation USING btree (owner);

CREATE INDEX spend_log_key ON ONLY public.spend_log USING btree (key_hash, started_at);

CREATE INDEX spend_log_rest_key_hash_started_at_idx ON public.spend_log_rest USING btree (key_hash, started_at);

CREATE INDEX spend_log_user ON ONLY public.spend_log USING btree (user_id, started_at);

CREATE INDEX spend_log_rest_user_id_started_at_idx ON public.spend_log_rest USING btree (user_id, started_at);

ALTER INDEX public.spend_log_key ATTACH PARTITION public.spend_log_rest_key_hash_started_at_idx;

ALTER INDEX public.spend_log_pkey ATTACH PARTITION public.spend_log_rest_pkey;

ALTER INDEX public.spend_log_user ATTACH PARTITION public.spend_log_rest_user_id_started_at_idx;

CREATE TRIGGER announce_key_change AFTER INSERT OR DELETE OR UPDATE ON public.api_key FOR EACH ROW EXECUTE FUNCTION public.announce_key_change();

CREATE TRIGGER announce_key_change AFTER DELETE OR UPDATE ON public.gateway_user FOR EACH ROW EXECUTE FUNCTION public.announce_key_change();

CREATE TRIGGER announce_model_change AFTER INSERT OR DELETE OR UPDATE ON public.beta_rule FOR EACH STATEMENT EXECUTE FUNCTION public.announce_model_change();

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.gateway_user(user_id);
