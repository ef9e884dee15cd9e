-- Tables and indexes of the first release. Functions and triggers are in ../functions.
-- Names of columns are those of LiteLLM's API where it has one. Money is USD; money in JSON is text,
-- so that no reader makes a float of it.

-- A budget definition that keys and users can share.
CREATE TABLE budget (
    budget_id             text        PRIMARY KEY,
    max_budget            numeric     CHECK (max_budget >= 0),
    soft_budget           numeric     CHECK (soft_budget >= 0),
    budget_duration       text,
    rpm_limit             bigint      CHECK (rpm_limit >= 0),
    tpm_limit             bigint      CHECK (tpm_limit >= 0),
    max_parallel_requests bigint      CHECK (max_parallel_requests >= 0),
    model_max_budget      jsonb       NOT NULL DEFAULT '{}',
    created_at            timestamptz NOT NULL DEFAULT now(),
    updated_at            timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE gateway_user (
    user_id               text        PRIMARY KEY,
    user_email            text,
    user_alias            text,
    user_role             text        NOT NULL DEFAULT 'internal_user'
                          CHECK (user_role IN ('proxy_admin', 'proxy_admin_viewer',
                                               'internal_user')),
    models                text[]      NOT NULL DEFAULT '{}',
    max_budget            numeric     CHECK (max_budget >= 0),
    soft_budget           numeric     CHECK (soft_budget >= 0),
    budget_duration       text,
    temp_budget_increase  numeric     CHECK (temp_budget_increase >= 0),
    temp_budget_expiry    timestamptz,
    budget_id             text        REFERENCES budget,
    rpm_limit             bigint      CHECK (rpm_limit >= 0),
    tpm_limit             bigint      CHECK (tpm_limit >= 0),
    max_parallel_requests bigint      CHECK (max_parallel_requests >= 0),
    model_max_budget      jsonb       NOT NULL DEFAULT '{}',
    model_rpm_limit       jsonb       NOT NULL DEFAULT '{}',
    model_tpm_limit       jsonb       NOT NULL DEFAULT '{}',
    guardrail             text,       -- Bedrock's id:version; NULL: the gateway's default
    blocked               boolean     NOT NULL DEFAULT false,
    metadata              jsonb       NOT NULL DEFAULT '{}',
    duplicate_email       boolean     NOT NULL DEFAULT false,  -- imported with another's address
    created_at            timestamptz NOT NULL DEFAULT now(),
    updated_at            timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT gateway_user_increase_has_end
        CHECK ((temp_budget_increase IS NULL) = (temp_budget_expiry IS NULL))
);

CREATE UNIQUE INDEX gateway_user_one_per_email ON gateway_user (lower(btrim(user_email)))
 WHERE NOT duplicate_email;
CREATE INDEX gateway_user_email ON gateway_user (lower(user_email));
CREATE INDEX gateway_user_budget_id ON gateway_user (budget_id) WHERE budget_id IS NOT NULL;

-- key_id is the hash of a key's first secret and never changes; spend is recorded under it.
-- key_hash is the hash of its current secret.
CREATE TABLE api_key (
    key_hash              text        PRIMARY KEY CHECK (key_hash ~ '^[0-9a-f]{64}$'),
    key_id                text        NOT NULL UNIQUE,
    key_name              text        NOT NULL,
    key_alias             text        UNIQUE,
    user_id               text        REFERENCES gateway_user,
    models                text[]      NOT NULL DEFAULT '{}',
    max_budget            numeric     CHECK (max_budget >= 0),
    soft_budget           numeric     CHECK (soft_budget >= 0),
    budget_duration       text,
    temp_budget_increase  numeric     CHECK (temp_budget_increase >= 0),
    temp_budget_expiry    timestamptz,
    budget_id             text        REFERENCES budget,
    rpm_limit             bigint      CHECK (rpm_limit >= 0),
    tpm_limit             bigint      CHECK (tpm_limit >= 0),
    max_parallel_requests bigint      CHECK (max_parallel_requests >= 0),
    model_max_budget      jsonb       NOT NULL DEFAULT '{}',
    model_rpm_limit       jsonb       NOT NULL DEFAULT '{}',
    model_tpm_limit       jsonb       NOT NULL DEFAULT '{}',
    guardrail             text,       -- Bedrock's id:version; NULL: the user's, or the default
    expires               timestamptz,
    blocked               boolean     NOT NULL DEFAULT false,
    tags                  text[]      NOT NULL DEFAULT '{}',
    metadata              jsonb       NOT NULL DEFAULT '{}',
    created_by            text,
    created_at            timestamptz NOT NULL DEFAULT now(),
    updated_at            timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT api_key_increase_has_end
        CHECK ((temp_budget_increase IS NULL) = (temp_budget_expiry IS NULL))
);

CREATE INDEX api_key_user_id ON api_key (user_id);
CREATE INDEX api_key_budget_id ON api_key (budget_id) WHERE budget_id IS NOT NULL;

-- Secrets that a rotation replaced; each works until valid_until.
CREATE TABLE previous_key_secret (
    key_hash    text        PRIMARY KEY CHECK (key_hash ~ '^[0-9a-f]{64}$'),
    key_id      text        NOT NULL REFERENCES api_key (key_id) ON DELETE CASCADE,
    key_name    text        NOT NULL,
    valid_until timestamptz NOT NULL
);

CREATE INDEX previous_key_secret_key_id ON previous_key_secret (key_id);

CREATE TABLE deleted_key (
    key_id     text        PRIMARY KEY,
    key_name   text        NOT NULL,
    key_alias  text,
    user_id    text,
    deleted_at timestamptz NOT NULL DEFAULT now()
);

-- Models and aliases that the operator added or changed; the application defines the JSON.
CREATE TABLE model_override (
    model_id   text        PRIMARY KEY,
    model_name text        NOT NULL UNIQUE,
    definition jsonb       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- What becomes of a beta flag; model '*' is every model, sent_as NULL removes the flag.
CREATE TABLE beta_rule (
    model   text NOT NULL,
    beta    text NOT NULL,
    sent_as text,
    PRIMARY KEY (model, beta)
);

-- Money by scope and budget period. A period is named by its start; the lifetime starts at the
-- epoch. Scopes: key_model, key, user_model, user, global_model, global. They have no CHECK: every
-- statement that writes a table plans its checks, a tenth of a reservation, and only reserve and
-- settle write here.
CREATE TABLE budget_counter (
    scope        text        NOT NULL,
    id           text        NOT NULL,
    window_start timestamptz NOT NULL,
    spent        numeric     NOT NULL DEFAULT 0,
    reserved     numeric     NOT NULL DEFAULT 0,
    adjusted     numeric     NOT NULL DEFAULT 0,  -- the part of spent that is not in spend_log
    PRIMARY KEY (scope, id, window_start)
) WITH (fillfactor = 50);  -- leaves room for updates in place

-- Token buckets: how full they were at as_of. They drain at the limit's rate.
CREATE TABLE rate_limit_bucket (
    scope     text             NOT NULL,
    id        text             NOT NULL,
    as_of     timestamptz      NOT NULL DEFAULT clock_timestamp(),
    requests  double precision NOT NULL DEFAULT 0,
    tokens    double precision NOT NULL DEFAULT 0,
    in_flight bigint           NOT NULL DEFAULT 0,
    PRIMARY KEY (scope, id)
) WITH (fillfactor = 50);

-- Requests in flight, and what each has reserved in the counters that have a cap.
CREATE TABLE reservation (
    request_id     text        PRIMARY KEY,
    instance_id    text        NOT NULL,
    started_at     timestamptz NOT NULL,
    key_id         text        NOT NULL,
    user_id        text,
    model          text        NOT NULL,
    upstream_model text        NOT NULL,
    counters       jsonb       NOT NULL DEFAULT '[]',
    limits         jsonb       NOT NULL DEFAULT '[]',
    tokens         bigint      NOT NULL DEFAULT 0,
    amount         numeric     NOT NULL CHECK (amount >= 0)
) WITH (fillfactor = 70);

CREATE INDEX reservation_instance_id ON reservation (instance_id);

-- Gateways and their last heartbeat.
CREATE TABLE gateway_instance (
    instance_id text        PRIMARY KEY,
    seen_at     timestamptz NOT NULL
);

-- One row per request that reached a model. Holds no prompt text.
CREATE TABLE spend_log (
    request_id            text        NOT NULL,
    started_at            timestamptz NOT NULL,
    finished_at           timestamptz NOT NULL,
    key_id                text        NOT NULL,
    user_id               text,
    api_format            text        NOT NULL,
    model                 text        NOT NULL,
    upstream_model        text        NOT NULL,
    upstream_request_id   text,
    stream                boolean     NOT NULL,
    status                integer     NOT NULL,
    ending                text        NOT NULL,
    error_code            text,
    input_tokens          bigint      NOT NULL,
    output_tokens         bigint      NOT NULL,
    cache_read_tokens     bigint      NOT NULL,
    cache_write_5m_tokens bigint      NOT NULL,
    cache_write_1h_tokens bigint      NOT NULL,
    cost                  numeric     NOT NULL,
    estimated             boolean     NOT NULL,
    -- The parts of cost; NULL where cost was estimated without token counts.
    input_cost            numeric,
    output_cost           numeric,
    cache_read_cost       numeric,
    cache_write_5m_cost   numeric,
    cache_write_1h_cost   numeric,
    guardrail_cost        numeric,
    ttfb_ms               integer,
    latency_ms            integer,
    session_id            text,
    agent                 text,
    user_agent            text,
    tags                  text[]      NOT NULL DEFAULT '{}',
    PRIMARY KEY (started_at, request_id)
) PARTITION BY RANGE (started_at);

CREATE INDEX spend_log_key ON spend_log (key_id, started_at);
CREATE INDEX spend_log_user ON spend_log (user_id, started_at);
CREATE INDEX spend_log_session ON spend_log (session_id, started_at) WHERE session_id IS NOT NULL;

-- Takes rows of days without a partition, so that none is ever refused.
CREATE TABLE spend_log_rest PARTITION OF spend_log DEFAULT;

-- Past days (UTC): whether their roll-ups hold all that the log does (not stale), whether the log
-- was dropped, and what the daily reconciliation found.
CREATE TABLE spend_day_status (
    day          date        PRIMARY KEY,
    stale        boolean     NOT NULL DEFAULT true,
    dropped      boolean     NOT NULL DEFAULT false,
    rolled_up_at timestamptz,
    checked_at   timestamptz,
    differences  jsonb
);

-- Days that a settlement belonged to while they were being rolled up.
CREATE TABLE late_spend (day date NOT NULL);

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

-- Every change of users, keys, budgets, models and beta rules: written by triggers, append-only.
CREATE TABLE audit_log (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor       text        NOT NULL,
    request_id  text,
    action      text        NOT NULL,
    object_type text        NOT NULL,
    object_id   text        NOT NULL,
    before      jsonb,
    after       jsonb
);

CREATE INDEX audit_log_object ON audit_log (object_type, object_id, id);
CREATE INDEX audit_log_actor ON audit_log (actor, id);
