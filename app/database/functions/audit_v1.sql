-- Writes every change of a row to the audit log. TG_ARGV[0]: the column that identifies the row.
-- The gateway sets gateway.actor and gateway.request_id for a transaction; otherwise the actor is
-- the database user.
CREATE OR REPLACE FUNCTION audit_v1() RETURNS trigger
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

CREATE OR REPLACE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON gateway_user
    FOR EACH ROW EXECUTE FUNCTION audit_v1('user_id');

CREATE OR REPLACE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON api_key
    FOR EACH ROW EXECUTE FUNCTION audit_v1('key_id');

CREATE OR REPLACE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON budget
    FOR EACH ROW EXECUTE FUNCTION audit_v1('budget_id');

CREATE OR REPLACE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON model_override
    FOR EACH ROW EXECUTE FUNCTION audit_v1('model_name');

CREATE OR REPLACE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON beta_rule
    FOR EACH ROW EXECUTE FUNCTION audit_v1('model');
