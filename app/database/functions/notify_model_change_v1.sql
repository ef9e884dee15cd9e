-- Notifies every gateway that the operator changed models, aliases or beta rules.
CREATE OR REPLACE FUNCTION notify_model_change_v1() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('gateway_model', '');
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER notify_model_change AFTER INSERT OR UPDATE OR DELETE ON beta_rule
    FOR EACH STATEMENT EXECUTE FUNCTION notify_model_change_v1();

CREATE OR REPLACE TRIGGER notify_model_change AFTER INSERT OR UPDATE OR DELETE ON model_override
    FOR EACH STATEMENT EXECUTE FUNCTION notify_model_change_v1();
