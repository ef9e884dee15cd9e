-- What administration needs: named budgets, keys that outlive their secrets, models of the
-- operator's own, and an audit log that every change enters by itself.

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

-- Money in JSON is text, so that no reader makes a float of it.
ALTER TABLE gateway_user
    ADD COLUMN budget_id            text REFERENCES budget,
    ADD COLUMN temp_budget_increase numeric CHECK (temp_budget_increase >= 0),
    ADD COLUMN temp_budget_expiry   timestamptz,
    ADD COLUMN model_max_budget     jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN model_rpm_limit      jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN model_tpm_limit      jsonb NOT NULL DEFAULT '{}',
    ADD CONSTRAINT gateway_user_role_check
        CHECK (user_role IN ('proxy_admin', 'proxy_admin_viewer', 'internal_user')),
    ADD CONSTRAINT gateway_user_increase_has_end
        CHECK ((temp_budget_increase IS NULL) = (temp_budget_expiry IS NULL));

-- key_id is the hash of a key's first secret: what it is booked under, whatever its secret is now.
ALTER TABLE api_key
    ADD COLUMN key_id               text,
    ADD COLUMN budget_id            text REFERENCES budget,
    ADD COLUMN temp_budget_increase numeric CHECK (temp_budget_increase >= 0),
    ADD COLUMN temp_budget_expiry   timestamptz,
    ADD COLUMN model_max_budget     jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN model_rpm_limit      jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN model_tpm_limit      jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN tags                 text[] NOT NULL DEFAULT '{}',
    ADD COLUMN created_by           text,
    ADD CONSTRAINT api_key_increase_has_end
        CHECK ((temp_budget_increase IS NULL) = (temp_budget_expiry IS NULL));
UPDATE api_key SET key_id = key_hash;
ALTER TABLE api_key ALTER COLUMN key_id SET NOT NULL, ADD UNIQUE (key_id);

CREATE INDEX api_key_budget_id ON api_key (budget_id) WHERE budget_id IS NOT NULL;
CREATE INDEX gateway_user_email ON gateway_user (lower(user_email));
CREATE INDEX gateway_user_budget_id ON gateway_user (budget_id) WHERE budget_id IS NOT NULL;

-- Secrets that were replaced, and go on working until then.
CREATE TABLE retired_secret (
    key_hash   text        PRIMARY KEY CHECK (key_hash ~ '^[0-9a-f]{64}$'),
    key_id     text        NOT NULL REFERENCES api_key (key_id) ON DELETE CASCADE,
    key_name   text        NOT NULL,
    good_until timestamptz NOT NULL
);

CREATE INDEX retired_secret_key_id ON retired_secret (key_id);

-- The version before knows nothing of key_id. No secret may lead to two keys.
CREATE FUNCTION name_key() RETURNS trigger
LANGUAGE plpgsql AS $$
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

CREATE TRIGGER name_key BEFORE INSERT OR UPDATE OF key_hash ON api_key
    FOR EACH ROW EXECUTE FUNCTION name_key();

-- What deleted keys were called, for reports on what they spent.
CREATE TABLE deleted_key (
    key_id     text        PRIMARY KEY,
    key_name   text        NOT NULL,
    key_alias  text,
    user_id    text,
    deleted_at timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION remember_deleted_key() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO deleted_key (key_id, key_name, key_alias, user_id)
    VALUES (old.key_id, old.key_name, old.key_alias, old.user_id)
    ON CONFLICT (key_id) DO UPDATE
       SET key_name = excluded.key_name, key_alias = excluded.key_alias,
           user_id = excluded.user_id, deleted_at = excluded.deleted_at;
    RETURN NULL;
END $$;

CREATE TRIGGER remember_deleted_key AFTER DELETE ON api_key
    FOR EACH ROW EXECUTE FUNCTION remember_deleted_key();

-- Models and aliases that the operator added or changed; the definition is the application's.
CREATE TABLE operator_model (
    model_id   text        PRIMARY KEY,
    model_name text        NOT NULL UNIQUE,
    definition jsonb       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TRIGGER announce_model_change AFTER INSERT OR UPDATE OR DELETE ON operator_model
    FOR EACH STATEMENT EXECUTE FUNCTION announce_model_change();

-- Who changed what, when: written by triggers, so that no change by whatever way escapes it.
CREATE TABLE audit_log (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
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

CREATE FUNCTION refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% takes no %: it is only ever added to', TG_TABLE_NAME, TG_OP;
END $$;

CREATE TRIGGER only_ever_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- TG_ARGV: the column that names the row. gateway.actor and gateway.request_id are set by the
-- gateway for a transaction; without them it is whoever is logged in.
CREATE FUNCTION audit() RETURNS trigger
LANGUAGE plpgsql AS $$
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

CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON gateway_user
    FOR EACH ROW EXECUTE FUNCTION audit('user_id');
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON api_key
    FOR EACH ROW EXECUTE FUNCTION audit('key_id');
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON budget
    FOR EACH ROW EXECUTE FUNCTION audit('budget_id');
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON operator_model
    FOR EACH ROW EXECUTE FUNCTION audit('model_name');
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON beta_rule
    FOR EACH ROW EXECUTE FUNCTION audit('model');

-- Tells every gateway which cached keys are out of date; an empty payload means all of them.
CREATE OR REPLACE FUNCTION announce_key_change() RETURNS trigger
LANGUAGE plpgsql AS $$
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

CREATE TRIGGER announce_key_change AFTER INSERT OR UPDATE OR DELETE ON retired_secret
    FOR EACH ROW EXECUTE FUNCTION announce_key_change();
CREATE TRIGGER announce_key_change AFTER UPDATE OR DELETE ON budget
    FOR EACH ROW EXECUTE FUNCTION announce_key_change();
